// Whether an endpoint is worth asking, by how its last requests ended. States: `in_rotation`; `ejected` until a time;
// `slow_start` after it, with a growing share, in which one more failure ejects again.

import { Backoff } from '../../lib/backoff.ts';
import type { EjectionOptions } from './endpoint-options.ts';

/** How a request or a connection failed. */
export type FailureKind = 'failure' | 'gateway_error';

type State =
  | { readonly kind: 'in_rotation' }
  | { readonly kind: 'ejected'; readonly untilMs: number }
  | { readonly kind: 'slow_start'; readonly sinceMs: number };

/** The states, as metrics name them. */
export type HealthState = State['kind'];

const inRotation: State = Object.freeze({ kind: 'in_rotation' });
/** What one that just came back gets of the share of another. */
const leastWeight = 0.1;
const firstGatewayError = 502;
const lastGatewayError = 504;

/** Times are milliseconds of one monotonic clock, as the caller gives them. */
export class EndpointHealth {
  readonly #options: EjectionOptions;
  readonly #backoff: Backoff;
  #state: State = inRotation;
  #failures = 0;
  #gatewayErrors = 0;

  constructor(options: EjectionOptions, random: () => number) {
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: options.firstMs, mostMs: options.mostMs, random });
  }

  stateAt(nowMs: number): HealthState {
    this.#moveOn(nowMs);
    return this.#state.kind;
  }

  /** Its part of the requests against that of one in rotation: 0 while it is out. */
  weightAt(nowMs: number): number {
    if (this.#state === inRotation) return 1;
    this.#moveOn(nowMs);
    if (this.#state.kind === 'ejected') return 0;
    if (this.#state.kind === 'in_rotation') return 1;
    return Math.max(leastWeight, (nowMs - this.#state.sinceMs) / this.#options.slowStartMs);
  }

  /** An answer came: it is there, whatever it says. True for a gateway's error, which tells of what is behind it. */
  answered(status: number): boolean {
    this.#failures = 0;
    const isGatewayError = status >= firstGatewayError && status <= lastGatewayError;
    this.#gatewayErrors = isGatewayError ? this.#gatewayErrors + 1 : 0;
    return isGatewayError;
  }

  failed(): void {
    this.#failures++;
  }

  /** It has failed often enough to be left out, if not too many are. */
  isDueAt(nowMs: number): boolean {
    const state = this.stateAt(nowMs);
    if (state === 'ejected') return false;
    const { failures, gatewayErrors } = this.#options;
    if (this.#failures >= failures || this.#gatewayErrors >= gatewayErrors) return true;
    const isCounted = this.#failures > 0 || (this.#gatewayErrors > 0 && gatewayErrors !== Number.POSITIVE_INFINITY);
    return state === 'slow_start' && isCounted;
  }

  eject(nowMs: number): void {
    this.#failures = 0;
    this.#gatewayErrors = 0;
    this.#state = Object.freeze({ kind: 'ejected', untilMs: nowMs + this.#backoff.next() });
  }

  #moveOn(nowMs: number): void {
    if (this.#state.kind === 'ejected' && nowMs >= this.#state.untilMs) {
      this.#state = Object.freeze({ kind: 'slow_start', sinceMs: this.#state.untilMs });
    }
    if (this.#state.kind === 'slow_start' && nowMs - this.#state.sinceMs >= this.#options.slowStartMs) {
      this.#state = inRotation;
      this.#backoff.reset();
    }
  }
}
