// A strict reader of DER (X.690 §10): definite, shortest lengths, low tags, no bytes left over. Certificates are read with
// it in the running sidecar because a general ASN.1 library costs 20 MB and 200 ms of start-up there, and because those
// also take BER, in which one value has several readings. It only reads; signatures are checked by node:crypto.

import { PosternError } from '../errors.ts';

/** One element: tag, and where its content lies in `bytes`. */
export interface DerElement {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

/** Tags that certificates use (X.690 §8). */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Most elements read of one sequence; certificates have far fewer. */
const mostChildren = 1024;

/** Longest length field, bytes; no certificate reaches 16 MiB. */
const longestLengthField = 3;

/** Reads the one element that fills `bytes`. @throws PosternError ERR_CERTIFICATE_MALFORMED */
export function readDer(bytes: Uint8Array): DerElement {
  const element = elementAt(bytes, 0, bytes.length);
  if (element.end !== bytes.length) throw malformed('bytes follow the end of the structure');
  return element;
}

/** Elements that follow one another without a frame, such as certificates; null where the bytes are not just that. */
export function splitDer(bytes: Uint8Array, mostElements: number): Uint8Array[] | null {
  const parts: Uint8Array[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const { end } = elementAt(bytes, at, bytes.length);
      if (parts.length === mostElements) return null;
      parts.push(bytes.subarray(at, end));
      at = end;
    }
  } catch {
    return null;
  }
  return parts;
}

/** The elements within a constructed one, of tag `expected` where given. */
export function derChildren(parent: DerElement, expected?: number): DerElement[] {
  if (expected !== undefined) expectTag(parent, expected);
  const children: DerElement[] = [];
  for (let at = parent.contentStart; at < parent.end; ) {
    const child = elementAt(parent.bytes, at, parent.end);
    if (children.length === mostChildren) throw malformed('a sequence has too many elements');
    children.push(child);
    at = child.end;
  }
  return children;
}

/** The content bytes of an element. */
export function derContent(element: DerElement): Uint8Array {
  return element.bytes.subarray(element.contentStart, element.end);
}

/** The element with tag and length, as lower-case hex; for comparison. */
export function derHex(element: DerElement): string {
  return Buffer.from(element.bytes.subarray(element.start, element.end)).toString('hex');
}

/** Throws unless the element has the tag. */
export function expectTag(element: DerElement | undefined, tag: number): DerElement {
  if (element === undefined || element.tag !== tag) throw malformed('a field is missing or of the wrong type');
  return element;
}

/** A coded fault of the encoding. */
export function malformed(what: string): PosternError {
  return new PosternError('ERR_CERTIFICATE_MALFORMED', `the certificate is not strict DER: ${what}`);
}

/** The element that begins at `start`, within `limit`; for lists too long to be read whole. */
export function elementAt(bytes: Uint8Array, start: number, limit: number): DerElement {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined || start + 2 > limit) throw malformed('an element is cut short');
  if ((tag & 0x1f) === 0x1f) throw malformed('a tag is of the long form');
  if (first === 0x80) throw malformed('a length is indefinite');
  const size = first < 0x80 ? 0 : first & 0x7f;
  const contentStart = start + 2 + size;
  const end = contentStart + (size === 0 ? first : longLength(bytes, start + 2, size));
  if (end > limit) throw malformed('an element is cut short');
  return { tag, bytes, start, contentStart, end };
}

function longLength(bytes: Uint8Array, at: number, size: number): number {
  if (size > longestLengthField) throw malformed('a length is out of range');
  let length = 0;
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + i] ?? 0);
  const shortest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  if (size !== shortest) throw malformed('a length is not in its shortest form');
  return length;
}
