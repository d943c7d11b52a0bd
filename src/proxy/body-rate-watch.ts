// Ends bodies that trickle (wire.md "Limits and overload"): one wheel entry for an exchange that streams, looked at when
// a direction has lasted ten seconds. A direction counts only while the other side is ready for it, so quiet streams (long
// polling, server-sent events) are spared: there nothing waits to be sent.

import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';

const periodMs = 10_000;

/** What is watched. */
export interface WatchedBodies {
  /** Bytes of the request so far. */
  readonly receivedBytes: number;
  /** Bytes of the answer that the kernel took so far. */
  readonly sentBytes: number;
  onSlowRequest(): void;
  onSlowReader(): void;
}

export interface BodyRateWatchOptions {
  readonly wheel: TimerWheel;
  /** Bytes a second; 0 switches the watch off. */
  readonly minBytesPerS: number;
}

type Direction =
  | { readonly kind: 'off' }
  | { readonly kind: 'on'; readonly sinceMs: number; readonly fromBytes: number };

const off: Direction = Object.freeze({ kind: 'off' });

export class BodyRateWatch {
  readonly #bodies: WatchedBodies;
  readonly #options: BodyRateWatchOptions;
  readonly #entry = new WheelEntry(() => this.#check());
  #request: Direction = off;
  #answer: Direction = off;
  #armed = false;
  #stopped: boolean;

  constructor(bodies: WatchedBodies, options: BodyRateWatchOptions) {
    this.#bodies = bodies;
    this.#options = options;
    this.#stopped = options.minBytesPerS === 0;
  }

  requestBegun(): void {
    this.#request = this.#from(this.#bodies.receivedBytes);
  }

  /** The workload does not take the body: the caller is not to blame. */
  pauseRequest(): void {
    this.#request = off;
  }

  resumeRequest(): void {
    this.requestBegun();
  }

  requestDone(): void {
    this.#request = off;
  }

  /** The peer does not take the answer. */
  answerStalled(): void {
    if (this.#answer.kind === 'off') this.#answer = this.#from(this.#bodies.sentBytes);
  }

  answerDrained(): void {
    this.#answer = off;
  }

  stop(): void {
    this.#stopped = true;
    this.#options.wheel.cancel(this.#entry);
  }

  #from(bytes: number): Direction {
    this.#arm();
    return { kind: 'on', sinceMs: this.#options.wheel.nowMs, fromBytes: bytes };
  }

  #arm(ms = periodMs): void {
    if (this.#stopped || this.#armed) return;
    this.#armed = true;
    this.#options.wheel.schedule(this.#entry, ms);
  }

  #check(): void {
    this.#armed = false;
    if (this.#stopped) return;
    const bodies = this.#bodies;
    if (this.#isSlow(this.#request, bodies.receivedBytes)) return bodies.onSlowRequest();
    if (this.#isSlow(this.#answer, bodies.sentBytes)) return bodies.onSlowReader();
    this.#request = this.#renewed(this.#request, bodies.receivedBytes);
    this.#answer = this.#renewed(this.#answer, bodies.sentBytes);
    const restMs = Math.min(this.#restMs(this.#request), this.#restMs(this.#answer));
    if (restMs !== Number.POSITIVE_INFINITY) this.#arm(restMs);
  }

  /** Time until a direction has been on for a whole period. */
  #restMs(direction: Direction): number {
    return direction.kind === 'off' ? Number.POSITIVE_INFINITY : periodMs - this.#elapsedMs(direction);
  }

  #elapsedMs(direction: { readonly sinceMs: number }): number {
    return this.#options.wheel.nowMs - direction.sinceMs;
  }

  #isSlow(direction: Direction, bytes: number): boolean {
    if (direction.kind === 'off') return false;
    const elapsedMs = this.#elapsedMs(direction);
    if (elapsedMs < periodMs) return false;
    return (bytes - direction.fromBytes) * 1000 < this.#options.minBytesPerS * elapsedMs;
  }

  #renewed(direction: Direction, bytes: number): Direction {
    if (direction.kind === 'off' || this.#elapsedMs(direction) < periodMs) return direction;
    return { kind: 'on', sinceMs: this.#options.wheel.nowMs, fromBytes: bytes };
  }
}
