// Counts what costs the peer less than it costs us: frames that ask for an answer or say nothing (RFC 9113 §10.5), and streams
// that are reset (CVE-2023-44487, and CVE-2025-8671 where the peer makes us reset them). Each is a bucket that time fills again;
// frames that carry something pay for those that belong to them.

import { h2Codes } from './frame-types.ts';
import { Http2Fault } from './http2-fault.ts';

interface Bucket {
  left: number;
  readonly most: number;
  readonly perSecond: number;
}

export class FloodGuard {
  readonly #frames: Bucket = { left: 1000, most: 1000, perSecond: 200 };
  readonly #resets: Bucket = { left: 200, most: 200, perSecond: 50 };
  #filledMs: number;

  /** `nowMs`: monotonic. */
  constructor(nowMs: number) {
    this.#filledMs = nowMs;
  }

  /** Time passed. */
  tick(nowMs: number): void {
    const seconds = (nowMs - this.#filledMs) / 1000;
    if (seconds < 0.1) return;
    this.#filledMs = nowMs;
    for (const bucket of [this.#frames, this.#resets]) {
      bucket.left = Math.min(bucket.most, bucket.left + bucket.perSecond * seconds);
    }
  }

  /** A frame that moves a request or an answer, in either direction: two may tell of its windows. */
  worked(): void {
    if (this.#frames.left < this.#frames.most) this.#frames.left += 2;
  }

  /** SETTINGS, PING, PRIORITY, WINDOW_UPDATE, an empty or unknown frame. */
  idleFrame(): Http2Fault | null {
    return --this.#frames.left < 0 ? flood('frames that carry nothing') : null;
  }

  /** The peer reset a stream, or made us do so. */
  reset(): Http2Fault | null {
    return --this.#resets.left < 0 ? flood('streams that are reset') : null;
  }
}

function flood(what: string): Http2Fault {
  return new Http2Fault(h2Codes.enhanceYourCalm, `too many ${what}`);
}
