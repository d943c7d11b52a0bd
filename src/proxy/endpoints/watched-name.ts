// The addresses of one name, kept up to date in the background: asked again as their TTL ends, the last good ones kept while
// nobody answers. States: `asking`, `resting` until the next time, `closed`.

import { Backoff } from '../../lib/backoff.ts';
import { type TimerWheel, WheelEntry } from '../../lib/timer-wheel.ts';
import type { NameSource, ResolvedName } from './name-resolver.ts';

export interface WatchedNameParts {
  readonly names: NameSource;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  /** The addresses are others than before. */
  readonly onChange: () => void;
  readonly onFailure: () => void;
  /** Something threw that must not. */
  readonly onFault: (error: unknown) => void;
}

type State =
  | { readonly kind: 'asking'; readonly round: number }
  | { readonly kind: 'resting'; readonly sinceMs: number }
  | { readonly kind: 'closed' };

/** However short or long a TTL is, the name is asked for within these times; milliseconds. */
const leastTtlMs = 1_000;
const mostTtlMs = 300_000;
/** An answer that takes longer is none. */
const answerMs = 10_000;
/** A call that finds nothing asks anew, but no sooner after the last time. */
const urgentMs = 1_000;
const retryMs = Object.freeze({ firstMs: 1_000, mostMs: 30_000 });

export class WatchedName {
  readonly name: string;
  readonly #parts: WatchedNameParts;
  readonly #timer = new WheelEntry(() => this.#onTimer());
  readonly #backoff: Backoff;
  #state: State = Object.freeze({ kind: 'resting', sinceMs: Number.NEGATIVE_INFINITY });
  #rounds = 0;
  #addresses: readonly string[];
  #error: Error | null = null;

  constructor(name: string, parts: WatchedNameParts) {
    this.name = name;
    this.#parts = parts;
    // A reload makes everything anew, and must not forget what is known while nobody answers.
    this.#addresses = parts.names.known(name);
    this.#backoff = new Backoff({ ...retryMs, random: parts.random });
    this.#ask();
  }

  /** The last good ones; none before the first answer. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Why the last question was not answered; null where it was. */
  get error(): Error | null {
    return this.#error;
  }

  /** A call found no address: asks now, unless it was done a moment ago. */
  hurry(): void {
    const state = this.#state;
    if (state.kind === 'resting' && this.#parts.wheel.nowMs - state.sinceMs >= urgentMs) this.#ask();
  }

  close(): void {
    this.#state = Object.freeze({ kind: 'closed' });
    this.#parts.wheel.cancel(this.#timer);
  }

  #ask(): void {
    const round = ++this.#rounds;
    this.#state = Object.freeze({ kind: 'asking', round });
    this.#parts.wheel.schedule(this.#timer, answerMs);
    const { names, onFault } = this.#parts;
    names
      .resolve(this.name)
      .then(
        (found) => this.#isCurrent(round) && this.#answered(found),
        (error: unknown) => this.#isCurrent(round) && this.#failed(error as Error),
      )
      .catch(onFault);
  }

  /** An answer that comes after its time, or after the end, is nobody's. */
  #isCurrent(round: number): boolean {
    return this.#state.kind === 'asking' && this.#state.round === round;
  }

  #onTimer(): void {
    if (this.#state.kind === 'resting') this.#ask();
    else if (this.#state.kind === 'asking') this.#failed(new Error(`no answer within ${answerMs} ms`));
  }

  #answered({ addresses, ttlMs }: ResolvedName): void {
    if (addresses.length === 0) return this.#failed(new Error('the answer holds no address'));
    this.#backoff.reset();
    this.#error = null;
    this.#rest(Math.min(Math.max(ttlMs, leastTtlMs), mostTtlMs));
    const isSame = addresses.join() === this.#addresses.join();
    this.#addresses = addresses;
    if (!isSame) this.#parts.onChange();
  }

  #failed(error: Error): void {
    this.#error = error;
    this.#rest(this.#backoff.next());
    this.#parts.onFailure();
  }

  #rest(forMs: number): void {
    const { wheel } = this.#parts;
    this.#state = Object.freeze({ kind: 'resting', sinceMs: wheel.nowMs });
    wheel.schedule(this.#timer, forMs);
  }
}
