// Signs the seals of the journal with the key of the own SVID, whichever is in force. One signature in a minute or so: it is made on the loop
// and takes some 50 us with P-256, a millisecond or two with RSA.

import { createPrivateKey, sign } from 'node:crypto';
import type { SealIdentity, SealSigner } from '../audit/seal-signature.ts';
import { digestOfKey } from '../identity/signing-digest.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { X509Svid } from '../identity/x509-svid.ts';
import type { Latest } from '../lib/latest.ts';

/** Room for certificates in the line of a seal, bytes of DER; a line has at most 16 KiB. */
const mostCertificateBytes = 6 * 1024;

/** `onFault`: the key cannot sign; the seal stays unsigned, which a verification with a bundle will tell. */
export function createSealSigner(
  identity: Pick<Latest<IdentitySnapshot>, 'current'>,
  everyMs: number,
  onFault: (error: unknown) => void,
): SealSigner {
  let known: { readonly svid: X509Svid; readonly identity: SealIdentity } | null = null;
  const identityNow = (): SealIdentity => {
    const { svid } = identity.current;
    if (known?.svid !== svid) known = { svid, identity: identityOf(svid, onFault) };
    return known.identity;
  };
  return {
    everyMs,
    identity() {
      try {
        return identityNow();
      } catch (error) {
        onFault(error);
        return null;
      }
    },
  };
}

function identityOf(svid: X509Svid, onFault: (error: unknown) => void): SealIdentity {
  const key = createPrivateKey(svid.keyPem);
  const all = svid.certificates.map((certificate) => certificate.raw);
  const bytes = all.reduce((sum, { length }) => sum + length, 0);
  return {
    // Without its intermediates a leaf is verified where the bundle's authority issued it.
    certificates: bytes <= mostCertificateBytes ? all : all.slice(0, 1),
    sign(statement) {
      try {
        return sign(digestOfKey(key), statement, key);
      } catch (error) {
        onFault(error);
        return null;
      }
    },
  };
}
