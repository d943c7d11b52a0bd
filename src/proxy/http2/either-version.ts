// What leads to one place that may speak either version: kept connections over HTTP/1.1, and connections over HTTP/2 that are shared. HTTP/2 is
// tried first where it is wanted; a peer says in the handshake what it speaks, a workload by how it begins. Which one it was is remembered.
// Nothing of a request is sent before that is known.

import type { Permit } from '../../authz/model.ts';
import type { PosternError } from '../../errors.ts';
import type { TimerWheel } from '../../lib/timer-wheel.ts';
import type { EndpointLink } from '../endpoints/endpoint-set.ts';
import type { UpstreamLine } from '../upstream-line.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import type { UpstreamSource, UpstreamWaiter } from '../upstream-source.ts';
import { SpeaksHttp1 } from '../upstream-target.ts';
import type { Http2UpstreamPool } from './http2-upstream-pool.ts';

export interface EitherVersionParts {
  readonly http1: UpstreamPool;
  /** Makes the other one; null where none is spoken, as in a TCP relay. */
  readonly makeHttp2: (() => Http2UpstreamPool) | null;
  readonly wheel: TimerWheel;
  /** Whether a request is best sent over HTTP/2. */
  readonly prefersHttp2: (waiter: UpstreamWaiter) => boolean;
  /** For how long one that spoke HTTP/1.1 is not asked for the other, milliseconds. */
  readonly rememberedMs: number;
}

export class EitherVersion implements EndpointLink, UpstreamSource {
  readonly endpointStates = null;
  readonly #parts: EitherVersionParts;
  /** Made for the first stream: most upstreams never see one. */
  #http2: Http2UpstreamPool | null = null;
  /** Until when it counts as one that speaks HTTP/1.1 only, by the wheel. */
  #http1UntilMs = 0;
  readonly #streams = new Map<UpstreamWaiter, StreamWish>();
  #isClosed = false;

  constructor(parts: EitherVersionParts) {
    this.#parts = parts;
  }

  get active(): number {
    return this.#parts.http1.active + (this.#http2?.active ?? 0);
  }

  get openCount(): number {
    return this.#parts.http1.openCount + (this.#http2?.openCount ?? 0);
  }

  get idleCount(): number {
    return this.#parts.http1.idleCount + (this.#http2?.idleCount ?? 0);
  }

  take(permit: Permit, waiter: UpstreamWaiter, repeatable: boolean): UpstreamLine | null {
    const kept = this.takeKept(permit, waiter, repeatable);
    if (kept === null) this.connect(permit, waiter);
    return kept;
  }

  /** Once, where a kept connection was at fault (RFC 9112 §9.3.1). */
  mayRepeat(line: UpstreamLine, repeats: number): boolean {
    return repeats === 0 && line.wasKept;
  }

  /** It may be another by now: what it speaks is found out anew. */
  forget(): void {
    this.#http1UntilMs = 0;
  }

  /** What is at hand for the request of `waiter`, or null. */
  takeKept(permit: Permit, waiter: UpstreamWaiter, repeatable: boolean): UpstreamLine | null {
    if (this.#poolFor(waiter) === null) return this.#parts.http1.takeKept(permit, repeatable);
    return this.#http2?.takeKept(permit) ?? null;
  }

  connect(permit: Permit, waiter: UpstreamWaiter): void {
    const http2 = this.#poolFor(waiter);
    if (http2 === null) return this.#parts.http1.connect(permit, waiter);
    const wish = new StreamWish(waiter, {
      onOver: () => this.#streams.delete(waiter),
      onHttp1: () => {
        this.#http1UntilMs = this.#parts.wheel.nowMs + this.#parts.rememberedMs;
        this.#parts.http1.connect(permit, waiter);
      },
    });
    this.#streams.set(waiter, wish);
    http2.connect(permit, wish);
  }

  cancel(waiter: UpstreamWaiter): void {
    const wish = this.#streams.get(waiter);
    if (wish === undefined) return this.#parts.http1.cancel(waiter);
    this.#streams.delete(waiter);
    this.#http2?.cancel(wish);
  }

  dropIdle(): boolean {
    return this.#parts.http1.dropIdle() || this.#http2?.dropIdle() === true;
  }

  close(): void {
    this.#isClosed = true;
    this.#parts.http1.close();
    this.#http2?.close();
  }

  /** Null: over HTTP/1.1. */
  #poolFor(waiter: UpstreamWaiter): Http2UpstreamPool | null {
    const { makeHttp2, wheel, prefersHttp2 } = this.#parts;
    if (makeHttp2 === null || wheel.nowMs < this.#http1UntilMs || !prefersHttp2(waiter)) return null;
    if (this.#http2 === null) {
      this.#http2 = makeHttp2();
      // Somebody still waits at an endpoint that is no more.
      if (this.#isClosed) this.#http2.close();
    }
    return this.#http2;
  }
}

interface StreamWishParts {
  readonly onOver: () => void;
  /** HTTP/1.1 is spoken there. */
  readonly onHttp1: () => void;
}

/** A wish for a stream, which a connection over HTTP/1.1 may have to meet. */
class StreamWish implements UpstreamWaiter {
  readonly isStream = true;
  readonly #waiter: UpstreamWaiter;
  readonly #parts: StreamWishParts;

  constructor(waiter: UpstreamWaiter, parts: StreamWishParts) {
    this.#waiter = waiter;
    this.#parts = parts;
  }

  onUpstreamReady(line: UpstreamLine): void {
    this.#parts.onOver();
    this.#waiter.onUpstreamReady(line);
  }

  onUpstreamUnreachable(error: PosternError): void {
    this.#parts.onOver();
    if (error.cause instanceof SpeaksHttp1) this.#parts.onHttp1();
    else this.#waiter.onUpstreamUnreachable(error);
  }
}
