// The public keys of one issuer (RFC 7517): read from a document within limits, chosen by `kid` and `alg`. A key knows
// itself by a digest of its material, so that what it verified can be asked about after the next document.

import { createHash } from 'node:crypto';

/** A public key that verifies. */
export interface VerificationKey {
  readonly keyId: string | null;
  /** `alg` of the document, where it binds the key to one. */
  readonly algorithm: string | null;
  /** Public members, as jose takes them. */
  readonly jwk: Readonly<Record<string, string>>;
  /** SHA-256 of the material. */
  readonly digest: string;
}

/** All keys of an issuer at one moment. Frozen. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
  readonly digests: ReadonlySet<string>;
}

/** Most keys of a document; above it the document is refused. */
const mostKeys = 200;

/** Public members by key type, in the order of RFC 7638. */
const materialOf: Readonly<Record<string, readonly string[]>> = Object.freeze({
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['e', 'n'],
});

/** What a key must be for an algorithm: type, and curve where it has one. */
const needs: Readonly<Record<string, readonly [kty: string, curve: string | null]>> = Object.freeze({
  RS256: ['RSA', null],
  RS384: ['RSA', null],
  RS512: ['RSA', null],
  PS256: ['RSA', null],
  PS384: ['RSA', null],
  PS512: ['RSA', null],
  ES256: ['EC', 'P-256'],
  ES384: ['EC', 'P-384'],
  ES512: ['EC', 'P-521'],
  EdDSA: ['OKP', 'Ed25519'],
  Ed25519: ['OKP', 'Ed25519'],
});

/** No keys yet. */
export const noKeys: KeySet = keySet([]);

/** A set of these keys. */
export function keySet(keys: readonly VerificationKey[]): KeySet {
  return Object.freeze({ keys: Object.freeze([...keys]), digests: new Set(keys.map((key) => key.digest)) });
}

/** The keys of a JWKS document that can verify (`use` as given, or none); null where it is no JWKS, or holds none. */
export function readKeySet(text: string, use: 'sig' | 'jwt-svid'): KeySet | null {
  const listed = keysOf(text);
  if (listed === null || listed.length > mostKeys) return null;
  const keys = listed.map((one) => readKey(one, use)).filter((one) => one !== null);
  return keys.length === 0 ? null : keySet(keys);
}

/** A key from its JWK; null where it cannot verify, or holds more than what is public. */
export function readKey(jwk: unknown, use: 'sig' | 'jwt-svid'): VerificationKey | null {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return null;
  const members = jwk as Readonly<Record<string, unknown>>;
  const { kty, kid, alg, use: meantFor, key_ops: operations } = members;
  const names = typeof kty === 'string' && Object.hasOwn(materialOf, kty) ? materialOf[kty]! : null;
  if (names === null || (meantFor !== undefined && meantFor !== use)) return null;
  // JWT-SVID keys of a bundle say what they are for (SPIFFE Trust Domain and Bundle §4.2.2).
  if (Array.isArray(operations) && !operations.includes('verify')) return null;
  const values = names.map((name) => members[name]);
  if (!values.every((value) => typeof value === 'string')) return null;
  const public_ = Object.fromEntries([
    ['kty', kty as string],
    ...names.map((name, at) => [name, values[at] as string]),
  ]);
  return Object.freeze({
    keyId: typeof kid === 'string' && kid !== '' ? kid : null,
    algorithm: typeof alg === 'string' ? alg : null,
    jwk: Object.freeze(public_),
    digest: createHash('sha256').update(JSON.stringify(public_)).digest('base64'),
  });
}

/** The one key for a token; `none` or `several` where there is not exactly one. */
export function chooseKey(
  { keys }: KeySet,
  token: { readonly algorithm: string; readonly keyId: string | null },
): VerificationKey | 'none' | 'several' {
  const need = Object.hasOwn(needs, token.algorithm) ? needs[token.algorithm]! : null;
  if (need === null) return 'none';
  const [kty, curve] = need;
  const fitting = keys.filter(
    ({ jwk, keyId, algorithm }) =>
      jwk['kty'] === kty &&
      (curve === null || jwk['crv'] === curve) &&
      (algorithm === null || algorithm === token.algorithm) &&
      (token.keyId === null || keyId === token.keyId),
  );
  return fitting.length === 1 ? fitting[0]! : fitting.length === 0 ? 'none' : 'several';
}

function keysOf(text: string): readonly unknown[] | null {
  try {
    const document: unknown = JSON.parse(text);
    const keys = typeof document === 'object' && document !== null && 'keys' in document ? document.keys : null;
    return Array.isArray(keys) ? keys : null;
  } catch {
    return null;
  }
}
