// The seals of a stream that is being written: what is not sealed yet, what the next seal has to say, and who waits for it.

import type { Clock } from '../lib/clock.ts';
import { SealChain, sealTail } from './seal-chain.ts';
import { type SealSigner, signatureMember } from './seal-signature.ts';
import { type Expiry, type StreamEnd, sealHead } from './service-records.ts';

/** Records between two seals. */
const recordsPerSeal = 1_000;

/** Called with true once the seal that says it is written, with false when that failed. */
export type WhenSealed = (sealed: boolean) => void;

/** A seal on its way. */
export interface SealDraft {
  readonly line: Buffer;
  readonly seq: number;
  readonly sha256: string;
  readonly waiting: readonly WhenSealed[];
  /** When it was made, microseconds since the Unix epoch; null where it is not signed. */
  readonly signedUs: number | null;
}

export interface StreamSealsParts {
  readonly streamId: string;
  readonly clock: Clock;
  /** Ends of earlier streams, for the first seal. */
  readonly previous: readonly StreamEnd[];
  /** Null where seals are not signed. */
  readonly signer: SealSigner | null;
}

/** Seals one stream; one draft at a time. */
export class StreamSeals {
  readonly #parts: StreamSealsParts;
  readonly #chain: SealChain;
  #previous: readonly StreamEnd[];
  #sealedUpTo = 0;
  #unsealed = 0;
  /** Last number that expired, of this stream: said again in each seal, for the seal that said it first expires too. */
  #expiredOwn: Expiry | null = null;
  #expired: readonly Expiry[] = [];
  #waiting: WhenSealed[] = [];
  #signedUs: number | null = null;

  constructor(parts: StreamSealsParts) {
    this.#parts = parts;
    this.#chain = SealChain.ofStream(parts.streamId);
    this.#previous = parts.previous;
  }

  /** Records that no seal covers yet. */
  get unsealed(): number {
    return this.#unsealed;
  }

  /** True when so much is written that a seal should not wait for its time. */
  get isDue(): boolean {
    return this.#unsealed >= recordsPerSeal;
  }

  /** Takes in what was written. */
  take(bytes: Uint8Array, records: number): void {
    this.#chain.update(bytes);
    this.#unsealed += records;
  }

  /** Has the next seal say what retention is about to delete. */
  expire(expired: readonly Expiry[], whenSealed: WhenSealed): void {
    const { streamId } = this.#parts;
    this.#expiredOwn = expired.findLast((item) => item.streamId === streamId) ?? this.#expiredOwn;
    this.#expired = [...this.#expired, ...expired.filter((item) => item.streamId !== streamId)];
    this.#waiting.push(whenSealed);
  }

  /** A seal of all that was taken in, to be written as record `seq`. What comes meanwhile is left to the next one. */
  draft(seq: number, final: boolean): SealDraft {
    const { streamId, clock } = this.#parts;
    const expired = this.#expiredOwn === null ? this.#expired : [this.#expiredOwn, ...this.#expired];
    const facts = { fromSeq: this.#sealedUpTo + 1, count: this.#unsealed, prev: this.#chain.previous, final };
    const timeUs = clock.nowUs();
    let signedUs: number | null = null;
    const head = sealHead({ streamId, seq, timeUs }, { ...facts, expired, previous: this.#previous }, (body) => {
      const member = this.#isToSign(timeUs, final) ? this.#sign(body) : '';
      if (member !== '') signedUs = timeUs;
      return member;
    });
    const sha256 = this.#chain.digestWith(head);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#expired = [];
    return { line: Buffer.from(`${head}${sha256}${sealTail}`, 'latin1'), seq, sha256, waiting, signedUs };
  }

  written(draft: SealDraft): void {
    this.#chain.sealed(draft.sha256);
    this.#sealedUpTo = draft.seq;
    this.#unsealed = 0;
    this.#previous = [];
    this.#signedUs = draft.signedUs ?? this.#signedUs;
    for (const told of draft.waiting) told(true);
  }

  /** Whoever waited has to ask again. */
  failed(draft: SealDraft): void {
    for (const told of draft.waiting) told(false);
  }

  #isToSign(timeUs: number, final: boolean): boolean {
    const { signer } = this.#parts;
    if (signer === null) return false;
    return final || this.#signedUs === null || timeUs - this.#signedUs >= signer.everyMs * 1000;
  }

  #sign(body: string): string {
    const { signer } = this.#parts;
    return signer === null ? '' : signatureMember(signer, body, (head) => this.#chain.digestWith(head));
  }

  /** No seal can be made now: whoever waits for one has to ask again. */
  refuse(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#expired = [];
    for (const told of waiting) told(false);
  }
}
