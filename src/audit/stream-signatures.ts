// What the signatures of one stream say: by whom it is signed, up to where, and whether one is missing. A signed seal vouches for all
// before it, by the chain, so only the end of a stream needs a signature of its own. Whoever closes the stream of a process that is
// gone did not see its records made, and signs nothing: it would vouch for what somebody wrote there meanwhile.

import { findSignature, type JudgeSignature } from './seal-signature.ts';
import type { SealRecord } from './service-parse.ts';

/** How far a stream is signed. */
export interface SignedExtent {
  /** Number of the last seal with a good signature; null where there is none. */
  readonly signedUpTo: number | null;
  /** SPIFFE IDs of those who signed, in the order of their first signature. */
  readonly signers: readonly string[];
}

/** A seal as it was read. */
export interface ReadSeal {
  readonly line: string;
  readonly seal: SealRecord;
  readonly seq: number;
  readonly timeMs: number;
  /** True in the last seal of a stream that another process closed. */
  readonly isRecovery: boolean;
  /** Hash of a head, as the chain stands before the seal. */
  readonly digestWith: (head: string) => string;
}

/** Follows the seals of one stream. */
export class StreamSignatures {
  readonly #judge: JudgeSignature;
  readonly #signers = new Set<string>();
  #last: { readonly seq: number; readonly timeMs: number; readonly everyMs: number } | null = null;
  #lastSeal: ReadSeal | null = null;
  #sealCount = 0;

  constructor(judge: JudgeSignature) {
    this.#judge = judge;
  }

  /** What is wrong with the signature of a seal; null where nothing is, or where it has none. */
  take(read: ReadSeal): string | null {
    const found = findSignature(read.line, read.digestWith);
    if (!read.isRecovery) this.#lastSeal = read;
    this.#sealCount += 1;
    if (found === null) return null;
    if (found === 'malformed') return 'it cannot be read';
    const verdict = this.#judge(found);
    if (!verdict.ok) return verdict.why;
    this.#signers.add(verdict.signer);
    this.#last = { seq: read.seq, timeMs: found.timeMs, everyMs: found.everyMs };
    return null;
  }

  /** What should be signed and is not; null where nothing is missing. */
  missing(): string | null {
    const [last, seal] = [this.#last, this.#lastSeal];
    if (last === null) return this.#sealCount === 0 ? null : 'no seal of the stream has a good signature';
    if (seal === null || last.seq === seal.seq) return null;
    if (seal.seal.final) return `the last seal is not signed; the one before that is has number ${last.seq}`;
    // Both are whole milliseconds, cut off: what is apart by less may seem to be apart by as much. NaN is due.
    if (!(seal.timeMs - last.timeMs <= last.everyMs))
      return `no seal behind number ${last.seq} is signed, and one is due`;
    return null;
  }

  extent(): SignedExtent {
    return { signedUpTo: this.#last?.seq ?? null, signers: [...this.#signers] };
  }
}
