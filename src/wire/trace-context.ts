// HOT PATH (npm run bench). W3C Trace Context, `traceparent` (§3.2): strict; what is not valid is as if it were not there.

/** Lower-case hex throughout. */
export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  readonly flags: string;
}

const knownFlags = 0x03;
const dash = 0x2d;

/** Parses a value of version 00, or of a later one as far as version 00 reads it; null for everything else. */
export function parseTraceparent(value: string): TraceParent | null {
  const isWhole =
    value.length === 55 || (value.length > 55 && value.charCodeAt(55) === dash && !value.startsWith('00'));
  if (!isWhole || value.startsWith('ff')) return null;
  if (!isHex(value, 0, 2) || !isHex(value, 3, 35) || !isHex(value, 36, 52) || !isHex(value, 53, 55)) return null;
  if (value.charCodeAt(2) !== dash || value.charCodeAt(35) !== dash || value.charCodeAt(52) !== dash) return null;
  if (isZero(value, 3, 35) || isZero(value, 36, 52)) return null;
  // Bits without a meaning yet are not passed on (§3.2.2.5): sampled and, of level 2, random.
  const flags = Number.parseInt(value.slice(53, 55), 16) & knownFlags;
  return { traceId: value.slice(3, 35), parentId: value.slice(36, 52), flags: `0${flags}` };
}

function isHex(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const octet = text.charCodeAt(at);
    if (!((octet >= 0x30 && octet <= 0x39) || (octet >= 0x61 && octet <= 0x66))) return false;
  }
  return true;
}

function isZero(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (text.charCodeAt(at) !== 0x30) return false;
  }
  return true;
}
