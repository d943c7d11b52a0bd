// Looks whether a rotation is overdue: an agent that hangs keeps its connection and says nothing. It is asked anew then,
// in good time before the SVID expires. Not by HTTP/2 pings: gRPC servers cut off who pings more than once in 5 minutes.

import { PosternError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { isoTime } from '../iso-time.ts';
import type { IdentitySnapshot } from '../source.ts';

/** Part of its lifetime after which an SVID is overdue. SPIRE's agent rotates at half of it, give or take a tenth. */
const overduePart = 0.65;

/** Part of the lifetime between two askings. */
const repeatPart = 0.05;

export interface OverdueOptions {
  readonly clock: Clock;
  readonly overduePollMs: number;
}

export class OverdueWatch {
  readonly #options: OverdueOptions;
  readonly #onOverdue: (error: PosternError) => void;
  #timer: NodeJS.Timeout | undefined;
  #askedMs = 0;

  constructor(options: OverdueOptions, onOverdue: (error: PosternError) => void) {
    this.#options = options;
    this.#onOverdue = onOverdue;
  }

  /** The wall clock is looked at, instead of one long timer: a suspended machine must ask on waking. */
  start(current: () => IdentitySnapshot): void {
    this.#timer = setInterval(() => this.#look(current()), this.#options.overduePollMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look({ svid: { id, notBeforeMs, notAfterMs } }: IdentitySnapshot): void {
    const nowMs = this.#options.clock.nowMs();
    const lifetimeMs = notAfterMs - notBeforeMs;
    const spacingMs = Math.max(lifetimeMs * repeatPart, this.#options.overduePollMs);
    if (nowMs < notBeforeMs + lifetimeMs * overduePart || nowMs - this.#askedMs < spacingMs) return;
    this.#askedMs = nowMs;
    const what = `the SVID of ${id} has not been rotated; it expires at ${isoTime(notAfterMs)}`;
    this.#onOverdue(new PosternError('ERR_IDENTITY_ROTATION_LATE', what));
  }
}
