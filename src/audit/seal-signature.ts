// A seal may be signed by the key of the sidecar's own SVID, so that a history that was written anew, hashes and all, is found by the trust
// bundle alone. The signature stands in the seal's line before the hash, and the hash covers it as any other byte: the chain is what
// it is without signatures. It signs the hash that the seal would hold without it.

import { createHash } from 'node:crypto';
import { lineTime, parseSealLine } from './record-line.ts';
import { asciiJson } from './record-text.ts';
import { hashMark } from './seal-chain.ts';
import { objectOf, parseObject } from './service-parse.ts';

/** Signs for the journal. */
export interface SealSigner {
  /** Longest time from one signed seal to the next, milliseconds. */
  readonly everyMs: number;
  /** Who signs now; null where nobody can, which leaves the seal unsigned. Never throws. */
  identity(): SealIdentity | null;
}

/** A key with its certificates. */
export interface SealIdentity {
  /** DER, the leaf first. */
  readonly certificates: readonly Buffer[];
  /** Null where the key cannot sign. Never throws. */
  sign(statement: Buffer): Buffer | null;
}

/** A signature as it was found in a seal. */
export interface FoundSignature {
  /** When the seal was made, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly everyMs: number;
  readonly certificates: readonly Buffer[];
  readonly statement: Buffer;
  readonly value: Buffer;
}

/** Judges a signature: by whom it is, or what is wrong with it. Never throws. */
export type JudgeSignature = (found: FoundSignature) => SignatureVerdict;
export type SignatureVerdict =
  | { readonly ok: true; readonly signer: string }
  | { readonly ok: false; readonly why: string };

/** The member that signs a seal, to be put behind its other members; empty where nobody can sign. `digestWith`: the hash of a head. */
export function signatureMember(signer: SealSigner, body: string, digestWith: (head: string) => string): string {
  const identity = signer.identity();
  const [leaf] = identity?.certificates ?? [];
  if (identity === null || leaf === undefined) return '';
  const { everyMs } = signer;
  const value = identity.sign(statementOf(digestWith(body), everyMs, leaf));
  if (value === null) return '';
  const certificates = identity.certificates.map((one) => one.toString('base64'));
  return memberText({ every_ms: everyMs, certificates, value: value.toString('base64') });
}

/**
 * The signature of a seal's line, null where it has none, `malformed` where it cannot be read. `digestWith`: as the chain stands before the seal.
 */
export function findSignature(line: string, digestWith: (head: string) => string): FoundSignature | null | 'malformed' {
  const record = parseObject(line);
  const seal = parseSealLine(line);
  const members = objectOf(record?.['signature']);
  if (record === null || seal === null || record['signature'] === undefined) return null;
  const { every_ms: everyMs, certificates, value } = members ?? {};
  const timeMs = Date.parse(lineTime(line) ?? '');
  if (!isCount(everyMs) || !isTexts(certificates) || typeof value !== 'string') return 'malformed';
  // What is signed is the line without the signature: it must stand where it was put, in one way of writing only.
  const end = `${memberText({ every_ms: everyMs, certificates, value })}${hashMark}`;
  const head = line.slice(0, seal.headLength);
  const ders = certificates.map((text) => Buffer.from(text, 'base64'));
  if (!head.endsWith(end) || Number.isNaN(timeMs) || ders[0] === undefined) return 'malformed';
  const statement = statementOf(digestWith(head.slice(0, -end.length)), everyMs, ders[0]);
  return { timeMs, everyMs, certificates: ders, statement, value: Buffer.from(value, 'base64') };
}

// Begins like no other thing that a key of an SVID signs (RFC 8446 §4.4.3 begins with 64 spaces).
function statementOf(digest: string, everyMs: number, leaf: Buffer): Buffer {
  const leafSha256 = createHash('sha256').update(leaf).digest('hex');
  return Buffer.from(`postern.seal-signature/1\n${digest}\n${everyMs}\n${leafSha256}\n`, 'latin1');
}

function memberText(signature: {
  readonly every_ms: number;
  readonly certificates: readonly string[];
  readonly value: string;
}): string {
  const { every_ms, certificates, value } = signature;
  return `,"signature":${asciiJson({ every_ms, certificates, value })}`;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= 16 && value.every((item) => typeof item === 'string');
}
