// Where an identity comes from, and what one moment of it holds. A snapshot is whole and validated, or not published.

import type { PosternError } from '../errors.ts';
import type { Latest } from '../lib/latest.ts';
import type { BundleSet } from './bundle-set.ts';
import type { JwtBundles } from './jwt-bundle.ts';
import type { X509Svid } from './x509-svid.ts';

/** Own SVID and the trust bundles at one moment. Frozen. */
export interface IdentitySnapshot {
  /** Rises with every published snapshot of a source. */
  readonly revision: number;
  readonly svid: X509Svid;
  readonly bundles: BundleSet;
}

/** What a source tells of itself; times are milliseconds since the epoch. */
export interface IdentityStatus {
  readonly source: 'files' | 'dev-ca' | 'workload-api';
  /** The address of the agent; null for the other sources. */
  readonly endpoint: string | null;
  /** When the SVID should be replaced; null where whoever writes the files decides. */
  readonly nextRotationMs: number | null;
  /** When the source last gave something that could be used, changed or not. */
  readonly lastUpdateMs: number;
  /** Of the agent; none for the other sources. */
  readonly streams: readonly IdentityStreamStatus[];
  /** What is wrong with an agent now; null where nothing is. */
  readonly fault: PosternError | null;
  /** Bundle endpoints of further trust domains; absent where none is asked. */
  readonly federation?: readonly FederationStatus[];
  /** Revocation lists; absent where there is none. */
  readonly crls?: CrlStatus;
}

/** One bundle endpoint; times are milliseconds since the epoch. */
export interface FederationStatus {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: 'https_web' | 'https_spiffe';
  /** Which bundle of the trust domain is in use; `none` may still be one of an agent. */
  readonly using: 'endpoint' | 'file' | 'none';
  /** True where a file gives the bundle until the first fetch. */
  readonly hasFile: boolean;
  /** Null before the first success. */
  readonly lastSuccessMs: number | null;
  /** Null while a fetch is under way. */
  readonly nextFetchMs: number | null;
  /** `spiffe_sequence` of the bundle in use. */
  readonly sequence: bigint | null;
  /** By reason, from the start. */
  readonly failures: ReadonlyMap<string, number>;
  /** Of the last fetch; null where it worked. */
  readonly fault: PosternError | null;
}

/** All revocation lists. */
export interface CrlStatus {
  readonly lists: readonly CrlListStatus[];
  /** Files that were refused since the start; their last good lists stay. */
  readonly refused: number;
}

/** One revocation list; times are milliseconds since the epoch. */
export interface CrlListStatus {
  /** Name of the CA, escaped. */
  readonly issuer: string;
  readonly size: number;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** How it stands to the CAs of the bundles; one of an intermediate is of an unknown issuer until a peer shows it. */
  readonly standing: 'signed' | 'unknown_issuer' | 'forged';
}

export interface IdentityStreamStatus {
  readonly name: string;
  readonly isUp: boolean;
  /** By reason, from the start. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Who is told what a source cannot use. */
export interface IdentityListeners {
  /** A part was refused and its last good value stays. */
  readonly onRefused: (error: PosternError) => void;
  /** It works, but somebody should look. */
  readonly onWarning: (error: PosternError) => void;
  /** A subscriber threw, or another defect. */
  readonly onListenerError: (error: unknown) => void;
}

/** A source that keeps the last good snapshot until a better one is validated. */
export interface IdentitySource extends Latest<IdentitySnapshot> {
  /** JWT authorities by trust domain, for tokens; they change apart from the snapshot. */
  readonly jwtBundles: Latest<JwtBundles>;
  readonly status: IdentityStatus;
  /** Reads again at once; resolves when the outcome is published or refused. Rejects with the reason of a refusal. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** When an SVID is due for renewal: half of its lifetime, as SPIRE's agent has it. Milliseconds since the epoch. */
export function rotationDueMs({ svid: { notBeforeMs, notAfterMs } }: IdentitySnapshot): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) / 2;
}
