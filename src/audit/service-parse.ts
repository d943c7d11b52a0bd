// Reads the journal's own records back. Null for what is none; nothing here throws, for the lines may be anybody's.

import { lineKind } from './record-line.ts';
import type { Expiry, StreamEnd } from './service-records.ts';

/** A seal as read. */
export interface SealRecord {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
  readonly final: boolean;
  readonly prev: string;
  readonly sha256: string;
  readonly expired: readonly Expiry[];
  readonly previous: readonly StreamEnd[];
}

/** A gap as read. */
export interface GapRecord {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly count: number;
  readonly cause: string;
  readonly ofStream: string | null;
}

/** The seal of a line. */
export function parseSeal(line: string): SealRecord | null {
  const record = lineKind(line) === 'seal' ? parseObject(line) : null;
  const seal = objectOf(record?.['seal']);
  if (record === null || seal === null) return null;
  const prev = seal['prev'];
  const sha256 = record['sha256'];
  if (!isHash(prev) || !isHash(sha256)) return null;
  return {
    fromSeq: numberOf(seal['from_seq']),
    toSeq: numberOf(seal['to_seq']),
    count: numberOf(seal['count']),
    final: seal['final'] === true,
    prev,
    sha256,
    expired: listOf(seal['expired']).map((item) => ({
      streamId: textOf(item['stream_id']),
      toSeq: numberOf(item['to_seq']),
    })),
    previous: listOf(seal['previous']).map((item) => ({
      streamId: textOf(item['stream_id']),
      seq: numberOf(item['seq']),
      sha256: textOf(item['sha256']),
    })),
  };
}

/** The gap of a line. */
export function parseGap(line: string): GapRecord | null {
  const gap = lineKind(line) === 'gap' ? objectOf(parseObject(line)?.['gap']) : null;
  if (gap === null) return null;
  return {
    fromSeq: numberOf(gap['from_seq']),
    toSeq: numberOf(gap['to_seq']),
    count: numberOf(gap['count']),
    cause: textOf(gap['cause']),
    ofStream: typeof gap['of_stream'] === 'string' ? gap['of_stream'] : null,
  };
}

/** A line as a JSON object; null when it is none. */
export function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(line));
  } catch {
    return null;
  }
}

/** The value as an object that is no list. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (!Array.isArray(value)) return [];
  return value.map(objectOf).filter((item) => item !== null);
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
