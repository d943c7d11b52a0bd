// Single values of certificates in strict DER: object identifiers, times, booleans, small integers, bit flags.

import { type DerElement, derContent, derTag, expectTag, malformed } from './der.ts';

/** Dotted text of an object identifier (X.690 §8.19). */
export function readObjectId(element: DerElement): string {
  const bytes = derContent(expectTag(element, derTag.objectId));
  const arcs: number[] = [];
  let arc = 0;
  for (const [at, byte] of bytes.entries()) {
    if (arc === 0 && byte === 0x80) throw malformed('an object identifier is not in its shortest form');
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw malformed('an object identifier is out of range');
    if ((byte & 0x80) === 0) {
      arcs.push(arc);
      arc = 0;
    } else if (at === bytes.length - 1) throw malformed('an object identifier is cut short');
  }
  const first = arcs.shift();
  if (first === undefined) throw malformed('an object identifier is empty');
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...arcs].join('.');
}

/** Milliseconds since the epoch, of UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 writes them. */
export function readTimeMs(element: DerElement): number {
  const text = Buffer.from(derContent(element)).toString('latin1');
  const isUtc = element.tag === derTag.utcTime;
  if (!isUtc) expectTag(element, derTag.generalizedTime);
  const match = (
    isUtc ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/ : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
  ).exec(text);
  if (match === null) throw malformed('a time is not in its one form');
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const fullYear = isUtc ? year + (year < 50 ? 2000 : 1900) : year;
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const isReal =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!isReal) throw malformed('a time does not exist');
  return date.getTime();
}

/** TRUE is 0xff in DER (X.690 §11.1). */
export function readBoolean(element: DerElement): boolean {
  const [value, ...rest] = derContent(expectTag(element, derTag.boolean));
  if (rest.length > 0 || (value !== 0 && value !== 0xff)) throw malformed('a boolean is neither true nor false');
  return value === 0xff;
}

/** A whole number from 0 that fits in four bytes. */
export function readSmallInteger(element: DerElement): number {
  const bytes = derContent(expectTag(element, derTag.integer));
  const first = bytes[0];
  if (first === undefined || first > 0x7f || bytes.length > 5) throw malformed('a number is out of range');
  if (first === 0 && bytes.length > 1 && (bytes[1] ?? 0) < 0x80)
    throw malformed('a number is not in its shortest form');
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** Named bits as a number: bit 0 of the ASN.1 type is 1, bit 1 is 2, and so on up to bit 15. */
export function readBitFlags(element: DerElement): number {
  const [unused, ...bytes] = derContent(expectTag(element, derTag.bitString));
  if (unused === undefined || unused > 7 || bytes.length > 2) throw malformed('a bit string is out of range');
  let flags = 0;
  for (const [at, byte] of bytes.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) flags |= 1 << (at * 8 + bit);
  }
  return flags;
}
