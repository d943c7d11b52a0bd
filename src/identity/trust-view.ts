// Bundle endpoints and revocation lists as `GET /identity` and `postern identity show` tell them: plain data.

import { isoTime } from './iso-time.ts';
import type { CrlListStatus, FederationStatus, IdentityStatus } from './source.ts';

/** Times are RFC 3339 UTC. */
export interface FederationView {
  readonly trust_domain: string;
  readonly url: string;
  readonly profile: string;
  /** Which bundle is in use: endpoint, file, or none of the two. */
  readonly using: string;
  readonly last_success: string | null;
  /** Since the last success, seconds. */
  readonly age_s: number | null;
  readonly next_fetch: string | null;
  readonly sequence: string | null;
  readonly failures: Readonly<Record<string, number>>;
  readonly fault: string | null;
}

export interface CrlView {
  readonly issuer: string;
  readonly rows: number;
  readonly this_update: string;
  readonly next_update: string;
  readonly expired: boolean;
  readonly standing: string;
}

/** What a source says of both; empty lists where there is none. */
export interface TrustView {
  readonly federation: readonly FederationView[];
  readonly crls: readonly CrlView[];
}

/** Describes a status at a time. */
export function describeTrust({ federation = [], crls }: IdentityStatus, nowMs: number): TrustView {
  return {
    federation: federation.map((one) => describeEndpoint(one, nowMs)),
    crls: (crls?.lists ?? []).map((one) => describeCrl(one, nowMs)),
  };
}

function describeEndpoint(status: FederationStatus, nowMs: number): FederationView {
  const { trustDomain, url, profile, using, lastSuccessMs, nextFetchMs, sequence, failures, fault } = status;
  return {
    trust_domain: trustDomain,
    url,
    profile,
    using,
    last_success: lastSuccessMs === null ? null : isoTime(lastSuccessMs),
    age_s: lastSuccessMs === null ? null : Math.max(0, Math.floor((nowMs - lastSuccessMs) / 1000)),
    next_fetch: nextFetchMs === null ? null : isoTime(nextFetchMs),
    sequence: sequence?.toString() ?? null,
    failures: Object.fromEntries(failures),
    fault: fault?.message ?? null,
  };
}

function describeCrl({ issuer, size, thisUpdateMs, nextUpdateMs, standing }: CrlListStatus, nowMs: number): CrlView {
  return {
    issuer,
    rows: size,
    this_update: isoTime(thisUpdateMs),
    next_update: isoTime(nextUpdateMs),
    expired: nowMs > nextUpdateMs,
    standing,
  };
}
