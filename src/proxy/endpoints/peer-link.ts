// What leads to one endpoint of a peer: kept connections over HTTP/1.1, and for requests that came as streams connections over HTTP/2.
// Which version a peer speaks is its own choice in the handshake. One that chose HTTP/1.1 is not offered the other for a while.

import type { Permit } from '../../authz/model.ts';
import type { PosternError } from '../../errors.ts';
import type { TimerWheel } from '../../lib/timer-wheel.ts';
import type { Http2UpstreamPool } from '../http2/http2-upstream-pool.ts';
import type { UpstreamLine } from '../upstream-line.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import type { UpstreamWaiter } from '../upstream-source.ts';
import { SpeaksHttp1 } from '../upstream-target.ts';
import type { EndpointLink } from './endpoint-set.ts';

export interface PeerLinkParts {
  readonly http1: UpstreamPool;
  /** Makes the other one; null where none is spoken, as in a TCP relay. */
  readonly makeHttp2: (() => Http2UpstreamPool) | null;
  readonly wheel: TimerWheel;
}

/** A peer that is replaced by one that speaks HTTP/2 is found after this, milliseconds. */
const rememberedMs = 60_000;

export class PeerLink implements EndpointLink {
  readonly #parts: PeerLinkParts;
  /** Made for the first stream: most upstreams never see one. */
  #http2: Http2UpstreamPool | null = null;
  /** Until when the peer counts as one that speaks HTTP/1.1 only, by the wheel. */
  #http1UntilMs = 0;
  readonly #streams = new Map<UpstreamWaiter, StreamWish>();
  #isClosed = false;

  constructor(parts: PeerLinkParts) {
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
        this.#http1UntilMs = this.#parts.wheel.nowMs + rememberedMs;
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
  #poolFor({ isStream }: UpstreamWaiter): Http2UpstreamPool | null {
    const { makeHttp2, wheel } = this.#parts;
    if (isStream !== true || makeHttp2 === null || wheel.nowMs < this.#http1UntilMs) return null;
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
  /** The peer speaks HTTP/1.1. */
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
