// PEM blocks (RFC 7468) of the files an operator gives: certificates and private keys. Strict enough to tell what a file
// holds instead of what was asked for, since that is the usual mistake.

import { X509Certificate } from 'node:crypto';
import { type ErrorCode, PosternError } from '../errors.ts';
import { shown } from './shown-text.ts';

/** One block as it stands. */
export interface PemBlock {
  readonly label: string;
  /** With both boundary lines. */
  readonly text: string;
}

/** How a fault of one file is named. */
export interface PemFaults {
  /** As the operator wrote it; used in messages. */
  readonly file: string;
  readonly code: ErrorCode;
}

/** Most certificates read of one file. */
const mostCertificates = 1000;

/** All blocks in order; text between them is a comment. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks = text.matchAll(
    /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(?:(?!-----)[^\n]*\n)*-----END \1-----[ \t]*\r?$/gm,
  );
  return [...blocks].map((match) => ({ label: match[1]!, text: match[0] }));
}

/** The certificates of a file in order, at least one. @throws PosternError of the given code */
export function certificatesFromPem(text: string, faults: PemFaults): X509Certificate[] {
  const blocks = pemBlocks(text).filter((block) => block.label === 'CERTIFICATE');
  if (blocks.length === 0) throw noCertificate(text, faults);
  if (countOf(text, '-----BEGIN CERTIFICATE-----') !== blocks.length) {
    throw fault(faults, 'has a certificate block that is cut short', 'write the whole file, then rename it into place');
  }
  if (blocks.length > mostCertificates) {
    throw fault(
      faults,
      `holds more than ${mostCertificates} certificates`,
      'leave only the authorities of this trust domain',
    );
  }
  return blocks.map((block, at) => parseCertificate(block, at, faults));
}

/** One certificate of its PEM or DER bytes. @throws PosternError of the given code */
export function certificateFromBytes(bytes: Uint8Array | string, what: string, faults: PemFaults): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (cause) {
    throw fault(
      faults,
      `${what} is not a readable X.509 certificate`,
      'write the certificate again from its issuer',
      cause,
    );
  }
}

/** A coded fault that starts with the file's name. */
export function fault(faults: PemFaults, what: string, mend: string, cause?: unknown): PosternError {
  return new PosternError(faults.code, `${shown(faults.file)} ${what}`, { mend, cause });
}

function parseCertificate(block: PemBlock, at: number, faults: PemFaults): X509Certificate {
  try {
    return new X509Certificate(block.text);
  } catch (cause) {
    const what = `holds a certificate (number ${at + 1}) that cannot be read`;
    throw fault(faults, what, 'write the certificate again from its issuer', cause);
  }
}

function noCertificate(text: string, faults: PemFaults): PosternError {
  const labels = [...new Set(pemBlocks(text).map((block) => block.label))];
  if (text.trim() === '') return fault(faults, 'is empty', 'write at least one PEM certificate to it');
  if (labels.length > 0) {
    return fault(
      faults,
      `holds no certificate but ${labels.join(', ')}`,
      'check that certificate and key files are not swapped',
    );
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) {
    return fault(
      faults,
      'has a certificate block that is cut short',
      'write the whole file, then rename it into place',
    );
  }
  if (text.charCodeAt(0) === 0x30) {
    return fault(
      faults,
      'is not PEM; it looks like DER',
      'convert it: openssl x509 -inform der -in FILE -out FILE.pem',
    );
  }
  return fault(faults, 'is not PEM', 'write PEM certificates to it (-----BEGIN CERTIFICATE-----)');
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}
