// Who takes records, whatever it speaks. What it made of them decides whether the shipper goes on, waits, or tells a gap.

import type { Encoded, EncodedRecord } from './encoded-record.ts';

/** What a receiver made of a group. `again` and `refused` are indexes of its records. */
export type ReceiverAnswer =
  | {
      readonly kind: 'taken';
      readonly again: readonly number[];
      readonly refused: readonly number[];
      /** How many were refused without a word which. */
      readonly unnamed?: { readonly count: number; readonly why: string };
    }
  /** Nothing was taken for sure; to be tried again. */
  | { readonly kind: 'later'; readonly why: string }
  /** At least one record will never be taken. */
  | { readonly kind: 'refused'; readonly why: string };

/** An answer, and how long the receiver wants to be left alone, milliseconds; null where it does not say. */
export interface Reception {
  readonly answer: ReceiverAnswer;
  readonly retryAfterMs: number | null;
}

/** All of a group was taken. */
export const allTaken: Reception = Object.freeze({
  answer: Object.freeze({ kind: 'taken', again: Object.freeze([]), refused: Object.freeze([]) }),
  retryAfterMs: null,
});

export interface Receiver {
  /** Delivers a group in its order, of the kind that it is made for: text, or bytes. Resolves within bounded time whatever the other side does, and never rejects. */
  send(group: readonly EncodedRecord<Encoded>[], ending: AbortSignal): Promise<Reception>;
  /** Takes certificates and secrets anew before the next group. */
  renew(): void;
  close(): void;
}
