// How the server of a bundle endpoint is known: by the web's CAs and its host name (`https_web`), or as the owner of one
// SPIFFE ID by the current bundle of that ID's trust domain (`https_spiffe`, SPIFFE Federation §5.2.2.4).

import { readFile } from 'node:fs/promises';
import { createPeerVerifier } from '../identity/peer-verification.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { endpointFault, type FetchOptions, type FetchOutcome, fetchDocument } from './endpoint-fetch.ts';
import type { BundleEndpoint } from './federation-options.ts';

/** What is trusted at the moment of a fetch. */
export interface TrustOfNow {
  readonly snapshot: IdentitySnapshot;
  readonly revocations: RevocationList;
  readonly nowMs: number;
}

/** Time for one fetch, milliseconds. */
const timeoutMs = 10_000;
/** Largest document, bytes: a bundle of a thousand CAs fits. */
const mostBytes = 4 * 1024 * 1024;

/** Fetches the document of an endpoint from nobody but its right server. Never rejects. */
export async function fetchFrom(
  endpoint: BundleEndpoint,
  trust: TrustOfNow,
  signal: AbortSignal,
): Promise<FetchOutcome> {
  const server = await serverTrust(endpoint, trust);
  if ('ok' in server) return server;
  return fetchDocument({ url: endpoint.url, timeoutMs, mostBytes, signal, ...server });
}

type ServerTrust = Pick<FetchOptions, 'tls' | 'judge'>;

async function serverTrust(
  endpoint: BundleEndpoint,
  trust: TrustOfNow,
): Promise<ServerTrust | (FetchOutcome & { readonly ok: false })> {
  const { url, profile } = endpoint;
  if (profile.kind === 'https_spiffe') return spiffeTrust(url, profile.spiffeId, trust);
  return profile.caFile === null ? { tls: {}, judge: null } : webTrust(url, profile.caFile);
}

async function webTrust(url: string, caFile: string): Promise<ServerTrust | (FetchOutcome & { readonly ok: false })> {
  const unusable = (why: string, cause?: unknown) => {
    const what = `cannot be verified: its CA file \`${caFile}\` ${why}`;
    return { ok: false, fault: 'tls', error: endpointFault(url, what, { cause }) } as const;
  };
  try {
    const ca = await readFile(caFile, 'latin1');
    // INVARIANT: never without a CA. Node takes an empty text for none, and then trusts the public ones.
    return ca.includes('-----BEGIN CERTIFICATE-----')
      ? { tls: { ca }, judge: null }
      : unusable('holds no certificate in PEM');
  } catch (cause) {
    return unusable('cannot be read', cause);
  }
}

function spiffeTrust(
  url: string,
  spiffeId: string,
  { snapshot, revocations, nowMs }: TrustOfNow,
): ServerTrust | (FetchOutcome & { readonly ok: false }) {
  const id = SpiffeId.parse(spiffeId);
  const { bundles } = snapshot;
  const bundle = bundles.get(id.trustDomain);
  if (bundle === undefined) {
    const what = `cannot be verified: there is no bundle of trust domain ${id.trustDomain} yet`;
    return { ok: false, fault: 'identity', error: endpointFault(url, what) };
  }
  const verifier = createPeerVerifier({ cacheEntries: 0 });
  return {
    tls: {
      ca: bundle.authorities.map(({ certificate }) => certificate.toString()),
      allowPartialTrustChain: true,
      // The server is known by its SPIFFE ID; the host name says nothing (§5.2.2).
      checkServerIdentity: () => undefined,
    },
    judge: ({ leaf, intermediates }) => {
      const verdict = verifier.verify({ leaf, intermediates, bundles, revocations, role: 'server', nowMs });
      if (!verdict.ok) return `is not ${id}: ${verdict.detail} (${verdict.cause})`;
      return verdict.peer.id.toString() === id.toString() ? null : `is ${verdict.peer.id}, not ${id}`;
    },
  };
}
