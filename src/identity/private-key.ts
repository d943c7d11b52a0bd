// The private key of the own SVID, from PEM, and the check that it belongs to the certificate. No message ever holds a
// byte of the file.

import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import type { PosternError } from '../errors.ts';
import { fault, type PemFaults, pemBlocks } from './pem.ts';

const keyLabels: ReadonlySet<string> = new Set(['PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY']);

/** The key and its PEM block alone, without what else the file holds. */
export interface PrivateKeyPem {
  readonly key: KeyObject;
  readonly pem: string;
}

/** Reads the one private key of a file. @throws PosternError of the given code */
export function privateKeyFromPem(text: string, faults: PemFaults): PrivateKeyPem {
  const blocks = pemBlocks(text);
  const isEncrypted = blocks.some(
    (block) => block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(block.text),
  );
  if (isEncrypted) {
    throw fault(faults, 'holds an encrypted key', 'write it without a passphrase (openssl pkey -in FILE), mode 0600');
  }
  const keys = blocks.filter((block) => keyLabels.has(block.label));
  const [block] = keys;
  if (block === undefined) throw noKey(text, blocks.length, faults);
  if (keys.length > 1)
    throw fault(faults, `holds ${keys.length} private keys`, 'leave the one that fits the certificate');
  try {
    return { key: createPrivateKey(block.text), pem: block.text };
  } catch {
    // The cause is left out on purpose: parser messages may quote what they read.
    throw fault(faults, 'holds a private key that cannot be read', 'write the key again (PKCS #8 PEM)');
  }
}

/** Throws unless the key is the one of the certificate. */
export function assertKeyFits(
  certificate: X509Certificate,
  key: KeyObject,
  faults: PemFaults & { certFile: string },
): void {
  if (fits(certificate, key)) return;
  const mend = `put the key of ${faults.certFile} there; when rotating, replace both files`;
  throw fault(faults, 'does not hold the key of the certificate', mend);
}

function fits(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false; // a key of another type
  }
}

function noKey(text: string, blockCount: number, faults: PemFaults): PosternError {
  if (text.trim() === '') return fault(faults, 'is empty', 'write the private key to it as PEM');
  if (blockCount === 0) return fault(faults, 'is not PEM', 'write the private key to it as PEM (PKCS #8)');
  return fault(faults, 'holds no private key', 'check that certificate and key files are not swapped');
}
