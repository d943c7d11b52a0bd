// JWT authorities of trust domains (SPIFFE Trust Domain and Bundle §4; JWT-SVID §5): public keys by `kid`. Tokens are
// verified with them; here they are only read and held.

import type { Latest } from '../lib/latest.ts';
import type { TrustDomain } from './trust-domain.ts';

/** A public key of a JWKS, without anything private. */
export interface JwtAuthority {
  readonly keyId: string;
  /** Members of the JWK as they came, such as `kty`, `crv`, `x`. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Frozen. An empty one verifies no token. */
export interface JwtBundle {
  readonly trustDomain: TrustDomain;
  readonly authorities: readonly JwtAuthority[];
}

/** By name of the trust domain. */
export type JwtBundles = ReadonlyMap<string, JwtBundle>;

/** Most keys of one document. */
const mostKeys = 1000;

const publicMembers: readonly string[] = ['kty', 'kid', 'alg', 'crv', 'x', 'y', 'n', 'e'];

/** The keys of a JWKS document for JWT-SVIDs; null where it is no JWKS. Keys that cannot be used are left out (§4.2). */
export function readJwtBundle(text: string, trustDomain: TrustDomain): JwtBundle | null {
  const keys = keysOf(text);
  if (keys === null || keys.length > mostKeys) return null;
  const authorities = keys.map(readAuthority).filter((one) => one !== null);
  return Object.freeze({ trustDomain, authorities: Object.freeze(authorities) });
}

/** A source that knows of no JWT authorities. */
export const noJwtBundles: Latest<JwtBundles> = Object.freeze({ current: new Map(), subscribe: () => () => {} });

function keysOf(text: string): readonly unknown[] | null {
  try {
    const document: unknown = JSON.parse(text);
    const keys = typeof document === 'object' && document !== null && 'keys' in document ? document.keys : null;
    return Array.isArray(keys) ? keys : null;
  } catch {
    return null;
  }
}

/** Through the Workload API a document holds JWT keys alone, and `use` may be left out (SPIFFE_Workload_API §6.2.3). */
function readAuthority(key: unknown): JwtAuthority | null {
  if (typeof key !== 'object' || key === null) return null;
  const members = key as Readonly<Record<string, unknown>>;
  const { kid, kty, use } = members as { kid?: unknown; kty?: unknown; use?: unknown };
  if (typeof kid !== 'string' || kid === '' || (kty !== 'EC' && kty !== 'RSA')) return null;
  if (use !== undefined && use !== 'jwt-svid') return null;
  const jwk = Object.fromEntries(publicMembers.filter((name) => name in members).map((name) => [name, members[name]]));
  return Object.freeze({ keyId: kid, jwk: Object.freeze(jwk) });
}
