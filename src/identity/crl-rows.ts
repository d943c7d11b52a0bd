// The rows of a certificate revocation list (RFC 5280 §5.1.2.6), found by serial. A list may hold hundreds of thousands:
// only the place of each is kept, and a row is read when it is asked for.

import { PosternError } from '../errors.ts';
import type { Steps } from '../lib/steps.ts';
import { readExtension } from './certificate-extensions.ts';
import { type DerElement, derChildren, derContent, derTag, elementAt, expectTag, malformed, readDer } from './der.ts';
import { readTimeMs } from './der-values.ts';
import { shown } from './shown-text.ts';

/** A row of a list. */
export interface RevokedRow {
  /** Null where it is no time. */
  readonly revokedAtMs: number | null;
  /** As RFC 5280 §5.3.1 names it; `unspecified` where none is given. */
  readonly reason: string;
}

/** Rows by serial. */
export interface CrlRows {
  readonly size: number;
  /** The row of a serial (hex, as certificates have it); null: it is not revoked by this list. */
  rowOf(serial: string): RevokedRow | null;
}

const reasonCodeId = '2.5.29.21';
const reasonCodeTag = 0x0a;
/** Entry extensions that change nothing of what a row says: reason, hold instruction, invalidity date. */
const processed: readonly string[] = [reasonCodeId, '2.5.29.23', '2.5.29.24'];

/** By the number of the enumeration; 7 is not used. */
const reasons: readonly string[] = [
  'unspecified',
  'key_compromise',
  'ca_compromise',
  'affiliation_changed',
  'superseded',
  'cessation_of_operation',
  'certificate_hold',
  'unspecified',
  'remove_from_crl',
  'privilege_withdrawn',
  'aa_compromise',
];

/** A coded fault of one list. */
export function crlFault(file: string, what: string, mend?: string): PosternError {
  return new PosternError('ERR_CRL_INVALID', `${shown(file)} ${what}`, mend === undefined ? {} : { mend });
}

/** Rows of one step: one to two milliseconds. */
const rowsEachStep = 1_000;

/** The rows of `list`; undefined reads as none. @throws PosternError ERR_CRL_INVALID, ERR_CERTIFICATE_MALFORMED */
export function* indexRows(list: DerElement | undefined, file: string): Steps<CrlRows> {
  const places = new Map<string, number>();
  const bytes = list?.bytes ?? new Uint8Array(0);
  const end = list?.end ?? 0;
  // Rows differ in serial and time; their extensions are a few reasons over and over, and are looked at once each.
  const understood = new Set<string>();
  let read = 0;
  for (let at = list?.contentStart ?? 0; at < end; ) {
    const row = expectTag(elementAt(bytes, at, end), derTag.sequence);
    const serial = expectTag(elementAt(bytes, row.contentStart, row.end), derTag.integer);
    const time = elementAt(bytes, serial.end, row.end);
    const extensions = time.end < row.end ? textOf(bytes, time.end, row.end) : '';
    if (extensions !== '' && !understood.has(extensions)) {
      assertUnderstood(elementAt(bytes, time.end, row.end), row.end, file);
      understood.add(extensions);
    }
    places.set(keyOf(bytes, serial.contentStart, serial.end), at);
    at = row.end;
    read += 1;
    if (read % rowsEachStep === 0) yield;
  }
  return {
    size: places.size,
    rowOf: (serial) => {
      const key = Buffer.from(serial, 'hex');
      const at = places.get(keyOf(key, 0, key.length));
      return at === undefined ? null : readRow(elementAt(bytes, at, bytes.length));
    },
  };
}

/** Without the zero that keeps a high first bit positive; certificates with a negative serial are refused elsewhere. */
function keyOf(bytes: Uint8Array, start: number, end: number): string {
  return textOf(bytes, bytes[start] === 0 && end - start > 1 ? start + 1 : start, end);
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

// RFC 5280 §5.3: with a critical entry extension that is not understood, the whole list must not be used.
function assertUnderstood(extensions: DerElement, end: number, file: string): void {
  if (extensions.end !== end) throw malformed('a row has too many fields');
  for (const element of derChildren(extensions, derTag.sequence)) {
    const { id, isCritical } = readExtension(element);
    if (isCritical && !processed.includes(id)) {
      throw crlFault(file, `has a row with critical extension ${id}, which is not understood`);
    }
  }
}

/** Never throws: that the serial is listed is what counts. */
function readRow(row: DerElement): RevokedRow {
  const [, time, extensions] = derChildren(row);
  const revokedAtMs = orElse(() => readTimeMs(time!), null);
  return Object.freeze({ revokedAtMs, reason: orElse(() => reasonOf(extensions), reasons[0]!) });
}

function orElse<T, E>(read: () => T, otherwise: E): T | E {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function reasonOf(extensions: DerElement | undefined): string {
  const all = extensions === undefined ? [] : derChildren(extensions, derTag.sequence).map(readExtension);
  const value = all.find(({ id }) => id === reasonCodeId)?.value;
  if (value === undefined) return reasons[0]!;
  const [code, ...rest] = derContent(expectTag(readDer(value), reasonCodeTag));
  return (rest.length === 0 && code !== undefined ? reasons[code] : undefined) ?? reasons[0]!;
}
