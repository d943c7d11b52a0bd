// Credentials that hold no more though nothing in them says so (config: policy.revocations). Asked at each handshake and
// again for each open connection whenever the list changes.

import { type Glob, matchesGlob } from '../lib/glob.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** What a row names. */
export type RevokedBy = 'spiffe_id' | 'serial' | 'fingerprint_sha256' | 'jti';

/** One row. */
export interface Revocation {
  readonly by: RevokedBy;
  /** As `normalSerial` and `normalFingerprint` write it; for `spiffe_id` the pattern. */
  readonly value: string;
  /** The compiled pattern of a `spiffe_id`. */
  readonly glob: Glob | null;
  /** Only serials of this trust domain; null: of any. */
  readonly trustDomain: string | null;
  readonly reason: string;
  /** Until when the row counts, milliseconds; null: for good. */
  readonly untilMs: number | null;
}

/** What of a certificate can be named in a row. */
export interface RevocableCertificate {
  /** Hex. */
  readonly serial: string;
  /** Lower-case hex. */
  readonly fingerprintSha256: string;
}

/** All rows, found by what they name. Immutable. */
export class RevocationList {
  static readonly empty = new RevocationList([]);
  readonly size: number;
  readonly #exact = new Map<string, Revocation[]>();
  readonly #patterns: Revocation[] = [];

  constructor(rows: readonly Revocation[]) {
    this.size = rows.length;
    for (const row of rows) {
      if (row.glob !== null && row.glob.literal === null) this.#patterns.push(row);
      else this.#add(keyOf(row.by, row.glob?.literal ?? row.value), row);
    }
  }

  /** The row that takes the right from an identity shown with these certificates, the leaf first; null: there is none. */
  ofPeer(id: SpiffeId, path: readonly RevocableCertificate[], nowMs: number): Revocation | null {
    if (this.size === 0) return null;
    return this.#ofId(id, nowMs) ?? this.#ofCertificates(id, path, nowMs);
  }

  /** The row that names a token. */
  ofToken(jti: string, nowMs: number): Revocation | null {
    return this.#find('jti', jti, (row) => counts(row, nowMs));
  }

  #ofId(id: SpiffeId, nowMs: number): Revocation | null {
    const text = id.toString();
    const exact = this.#find('spiffe_id', text, (row) => counts(row, nowMs));
    return exact ?? this.#patterns.find((row) => counts(row, nowMs) && matchesGlob(row.glob!, text)) ?? null;
  }

  #ofCertificates(id: SpiffeId, path: readonly RevocableCertificate[], nowMs: number): Revocation | null {
    const isHere = (row: Revocation): boolean =>
      counts(row, nowMs) && (row.trustDomain === null || row.trustDomain === id.trustDomain.name);
    for (const { serial, fingerprintSha256 } of path) {
      const row =
        this.#find('fingerprint_sha256', fingerprintSha256, isHere) ??
        this.#find('serial', normalSerial(serial), isHere);
      if (row !== null) return row;
    }
    return null;
  }

  #find(by: RevokedBy, value: string, isWanted: (row: Revocation) => boolean): Revocation | null {
    return this.#exact.get(keyOf(by, value))?.find(isWanted) ?? null;
  }

  #add(key: string, row: Revocation): void {
    const rows = this.#exact.get(key);
    if (rows === undefined) this.#exact.set(key, [row]);
    else rows.push(row);
  }
}

function counts(row: Revocation, nowMs: number): boolean {
  return row.untilMs === null || nowMs < row.untilMs;
}

function keyOf(by: RevokedBy, value: string): string {
  return `${by} ${value}`;
}

/** Hex of a serial, however it is written (`0a:FF`, `0x0AFF`, `AFF`): upper case, without zeros in front; null for what is none. */
export function serialOf(text: string): string | null {
  const hex = text.replace(/^0x/i, '').replaceAll(/[: ]/g, '');
  return /^[0-9a-f]{1,64}$/i.test(hex) ? normalSerial(hex) : null;
}

function normalSerial(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}

/** Lower-case hex of a SHA-256 fingerprint, with or without `sha256:` and colons; null for what is none. */
export function fingerprintOf(text: string): string | null {
  const hex = text
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? hex : null;
}

/** One line for operators: what was named, and why. */
export function describeRevocation({ by, value, reason }: Revocation): string {
  return `revoked by ${by} ${value}: ${reason}`;
}
