// With which digest a key of an SVID signs what is not TLS: Ed25519 hashes by itself, all others take SHA-256.

import type { KeyObject } from 'node:crypto';

/** For `crypto.sign` and `crypto.verify`. */
export function digestOfKey(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ed448' ? null : 'sha256';
}
