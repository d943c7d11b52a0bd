// Encodes and signs X.509 v3 certificates for tests (RFC 5280 §4.1), in a fifteenth of the time that a library takes: the
// tests make some thousand. What comes out is read by OpenSSL, and by @peculiar/x509 where that is a referee.

import { createHash, type KeyObject, sign } from 'node:crypto';

/** Relative distinguished names in their order, such as `[{ CN: ['x'] }]`; or text, `O=Acme, CN=x`, without escapes. */
export type TestName = string | readonly Readonly<Record<string, readonly string[]>>[];

/** An extension; `value` is what the OCTET STRING holds, be it DER or not. */
export interface TestExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export interface CertificateContent {
  /** Hex of the INTEGER's content. */
  readonly serial: string;
  readonly issuer: TestName;
  readonly subject: TestName;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DER. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly TestExtension[];
  readonly signingKey: KeyObject;
  /** `SHA-256` and the like; of no account for Ed25519. */
  readonly digest: string;
}

/** DER of the signed certificate. */
export function encodeCertificate(content: CertificateContent): Buffer {
  return signDer(content, (algorithm) =>
    der(
      0x30,
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from(content.serial, 'hex')),
      algorithm,
      encodeName(content.issuer),
      der(0x30, encodeTime(content.notBeforeMs), encodeTime(content.notAfterMs)),
      encodeName(content.subject),
      content.publicKey,
      der(0xa3, der(0x30, ...content.extensions.map(encodeExtension))),
    ),
  );
}

/** The signed form that certificates and revocation lists share: what is signed names the algorithm too. */
export function signDer(
  { signingKey, digest }: Pick<CertificateContent, 'signingKey' | 'digest'>,
  build: (algorithm: Buffer) => Buffer,
): Buffer {
  const algorithm = algorithmOf(signingKey, digest);
  const tbs = build(algorithm);
  const hash = signingKey.asymmetricKeyType === 'ed25519' ? null : digest.replace('-', '');
  return der(0x30, tbs, algorithm, der(0x03, Buffer.from([0]), sign(hash, tbs, signingKey)));
}

/** One DER element. */
export function der(tag: number, ...parts: (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** DER of an object identifier. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from(bytes));
}

/** SHA-1 of a public key in DER, as a key identifier (RFC 5280 §4.2.1.2 leaves the way to the issuer). */
export function keyIdOf(publicKey: Uint8Array): Buffer {
  return createHash('sha1').update(publicKey).digest();
}

/** Named bits, the least significant the first, without trailing zeros (X.690 §11.2.2). */
export function bitString(flags: number): Buffer {
  const bytes: number[] = [];
  for (let at = 0; flags >> at > 0; at++) {
    if (at % 8 === 0) bytes.push(0);
    if ((flags >> at) & 1) bytes[bytes.length - 1]! |= 0x80 >> (at % 8);
  }
  const last = bytes.at(-1) ?? 0;
  const unused = last === 0 ? 0 : Math.clz32(last & -last) ^ 31;
  return der(0x03, Buffer.from([unused, ...bytes]));
}

const nameTypes: Readonly<Record<string, string>> = { CN: '2.5.4.3', C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11' };

/** DER of a name. */
export function encodeName(name: TestName): Buffer {
  const parts = typeof name === 'string' ? parseName(name) : name;
  const sets = parts.map((part) =>
    der(
      0x31,
      ...Object.entries(part).flatMap(([type, values]) =>
        values.map((value) => der(0x30, oid(nameTypes[type]!), der(type === 'C' ? 0x13 : 0x0c, Buffer.from(value)))),
      ),
    ),
  );
  return der(0x30, ...sets);
}

function parseName(text: string): Readonly<Record<string, readonly string[]>>[] {
  if (text === '') return [];
  return text.split(/, ?/).map((part) => {
    const at = part.indexOf('=');
    return { [part.slice(0, at)]: [part.slice(at + 1)] };
  });
}

/** UTCTime through the year 2049 (RFC 5280 §4.1.2.5), to the second. */
export function encodeTime(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`;
  return text < '2050' ? der(0x17, text.slice(2)) : der(0x18, text);
}

function encodeExtension({ id, critical, value }: TestExtension): Buffer {
  return der(0x30, oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));
}

function algorithmOf(key: KeyObject, digest: string): Buffer {
  const null_ = der(0x05);
  const of = { 'SHA-1': ['1', '5'], 'SHA-256': ['3.2', '11'], 'SHA-384': ['3.3', '12'], 'SHA-512': ['3.4', '13'] }[
    digest
  ];
  if (key.asymmetricKeyType === 'ed25519') return der(0x30, oid('1.3.101.112'));
  if (of === undefined) throw new TypeError(`no algorithm with ${digest}`);
  if (key.asymmetricKeyType === 'rsa') return der(0x30, oid(`1.2.840.113549.1.1.${of[1]}`), null_);
  return der(0x30, oid(`1.2.840.10045.4.${of[0]}`));
}
