// HOT PATH (bench/audit.bench.ts). Text for records: pure ASCII JSON on one line, whatever strangers send. Log forging
// needs a line break, a terminal control or a bidi override; none of them survives, raw or decoded.

import type { Attribute } from '../authz/model.ts';

/** How long strings and lists of a record may be. */
export interface RecordLimits {
  /** Characters of a string. */
  readonly text: number;
  /** Characters of an identity; the SPIFFE ID standard allows 2048 bytes. */
  readonly identity: number;
  /** Elements of a list. */
  readonly list: number;
  /** JSON Pointers in `masked`. */
  readonly pointers: number;
}

/** From what a record normally gets to what fits into a line under all circumstances. */
export const recordLimits: readonly [RecordLimits, RecordLimits, RecordLimits] = Object.freeze([
  Object.freeze({ text: 256, identity: 2048, list: 16, pointers: 64 }),
  Object.freeze({ text: 64, identity: 2048, list: 4, pointers: 32 }),
  Object.freeze({ text: 32, identity: 512, list: 0, pointers: 16 }),
]);

/** Anything but printable ASCII without `"` and `\`. */
const unusual = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
const notAscii = /[^\x20-\x7e]/g;
const notAsciiOnce = /[^\x20-\x7e]/;
// C0, DEL and C1, bidi marks, embeddings, overrides and isolates (Unicode TR9), line and paragraph separators, the byte
// order mark, and surrogates without their other half.
const forbidden =
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Makes the strings of one record or of one part of it, and remembers where it could not say the whole truth. */
export class RecordText {
  readonly limits: RecordLimits;
  /** JSON Pointers (RFC 6901) of what is not in the record exactly as the policy saw it. */
  masked: string[] = [];

  constructor(limits: RecordLimits) {
    this.limits = limits;
  }

  /** A string as JSON text, `null` when there is none. */
  quote(value: Attribute<string> | null, pointer: string): string {
    if (typeof value === 'string' && value.length <= this.limits.text && !unusual.test(value)) return `"${value}"`;
    return asciiJson(this.clean(value, pointer) ?? null);
  }

  /** A string that may stand in a record; undefined for what is missing or has the wrong type. */
  clean(value: Attribute<string> | null, pointer: string): string | undefined {
    return this.#clean(value, pointer, this.limits.text);
  }

  /** As `clean`, with the room of a SPIFFE ID. */
  cleanIdentity(value: Attribute<string> | null, pointer: string): string | undefined {
    return this.#clean(value, pointer, this.limits.identity);
  }

  /** The first elements of a list, each made by `make`; undefined when it is empty. */
  list<T, R>(items: readonly T[], pointer: string, make: (item: T, pointer: string) => R): readonly R[] | undefined {
    if (items.length > this.limits.list) this.masked.push(pointer);
    const made = items.slice(0, this.limits.list).map((item, index) => make(item, `${pointer}/${index}`));
    return made.length === 0 ? undefined : made;
  }

  /** A whole number; undefined for what is missing, has the wrong type or is no safe integer. */
  integer(value: Attribute<number> | null, pointer: string): number | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    this.masked.push(pointer);
    return undefined;
  }

  #clean(value: Attribute<string> | null, pointer: string, most: number): string | undefined {
    if (value === undefined || value === null) return undefined;
    // MISTYPED is the only symbol there is; audit sees policy as types alone.
    if (typeof value === 'symbol') {
      this.masked.push(pointer);
      return undefined;
    }
    const cleaned = cleanText(value, most);
    if (cleaned !== value) this.masked.push(pointer);
    return cleaned;
  }
}

/** A text of at most `most` characters that can forge neither a line nor a terminal sequence. */
export function cleanText(value: string, most: number): string {
  if (value.length <= most && !notAsciiOnce.test(value)) return value;
  // Cut before cleaning: a hostile megabyte costs no more than a line. A pair that the cut halves becomes U+FFFD.
  const cut = value.length > most ? `${value.slice(0, most - 1)}\u2026` : value;
  return cut.replace(forbidden, '\ufffd');
}

/** JSON of plain data in ASCII: what is not printable ASCII is written as an escape. */
export function asciiJson(value: unknown): string {
  return asciiEscaped(JSON.stringify(value));
}

/**
 * JSON with everything that is not printable ASCII as an escape. It is in one piece then: text that was put together out
 * of a thousand pieces and is kept would cost each collection of garbage more than it took to make.
 */
export function asciiEscaped(json: string): string {
  return notAsciiOnce.test(json) ? json.replace(notAscii, escapeUnit) : json;
}

/** As `asciiJson`, for a text that is most likely plain. */
export function plainJson(text: string): string {
  return unusual.test(text) ? asciiJson(text) : `"${text}"`;
}

/** The `masked` list as JSON text; a list that is too long ends with the pointer to the whole record. */
export function maskedJson(pointers: readonly string[], limits: RecordLimits): string {
  const cleaned = pointers.slice(0, limits.pointers).map((pointer) => new RecordText(limits).clean(pointer, '') ?? '');
  if (pointers.length > limits.pointers) cleaned.push('');
  return asciiJson(cleaned);
}

/** A whole number as JSON text; 0 for what is none, so that no input can break a line. */
export function wholeNumber(value: number): string {
  return Number.isSafeInteger(value) ? `${value}` : `${Math.trunc(Math.min(Math.max(value || 0, 0), 2 ** 53 - 1))}`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
