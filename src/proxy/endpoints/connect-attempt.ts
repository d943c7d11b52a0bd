// One request's wish for a connection, from when none was at hand. States: `waiting` until an address is known or there is room
// for another connection; `connecting` to an endpoint; `done` when its waiter was told, or went away. It tells its waiter once
// at most. A connection that is not made has carried nothing, so another endpoint may be asked whatever the request is.

import type { Permit } from '../../authz/model.ts';
import type { PosternError } from '../../errors.ts';
import { type TimerWheel, WheelEntry } from '../../lib/timer-wheel.ts';
import type { UpstreamLine } from '../upstream-line.ts';
import type { UpstreamSource, UpstreamWaiter } from '../upstream-source.ts';

/** An endpoint as an attempt sees it. */
export interface Dialled {
  readonly link: Pick<UpstreamSource, 'connect' | 'cancel'>;
}

/** What an attempt does next. */
export type NextStep<Endpoint extends Dialled> =
  | { readonly kind: 'wait' }
  | { readonly kind: 'take'; readonly line: UpstreamLine }
  | { readonly kind: 'dial'; readonly endpoint: Endpoint }
  | { readonly kind: 'fail'; readonly error: PosternError };

export interface AttemptParts<Endpoint extends Dialled> {
  readonly permit: Permit;
  readonly waiter: UpstreamWaiter;
  readonly wheel: TimerWheel;
  /** How long it may wait, milliseconds. */
  readonly patienceMs: number;
  readonly next: () => NextStep<Endpoint>;
  /** Another endpoint after those that failed, or null where `error` is the end. */
  readonly another: (tried: readonly Endpoint[], error: PosternError) => Endpoint | null;
  readonly onImpatience: () => PosternError;
  /** Before the waiter is told. */
  readonly onDone: () => void;
}

type State<Endpoint> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'connecting'; readonly endpoint: Endpoint }
  | { readonly kind: 'done' };

const waiting = Object.freeze({ kind: 'waiting' as const });
const done = Object.freeze({ kind: 'done' as const });

export class ConnectAttempt<Endpoint extends Dialled> implements UpstreamWaiter {
  readonly #parts: AttemptParts<Endpoint>;
  readonly #patience = new WheelEntry(() => this.#onImpatience());
  readonly #tried: Endpoint[] = [];
  #state: State<Endpoint> = waiting;

  constructor(parts: AttemptParts<Endpoint>) {
    this.#parts = parts;
  }

  get isStream(): boolean {
    return this.#parts.waiter.isStream === true;
  }

  /** For an address, or for room. */
  get isWaiting(): boolean {
    return this.#state.kind === 'waiting';
  }

  /** Goes on, if it waits. */
  advance(): void {
    if (this.#state.kind !== 'waiting') return;
    const { next, wheel, patienceMs } = this.#parts;
    const step = next();
    switch (step.kind) {
      case 'wait':
        if (!this.#patience.isScheduled) wheel.schedule(this.#patience, patienceMs);
        return;
      case 'fail':
        return this.#fail(step.error);
      case 'dial':
        return this.#dial(step.endpoint);
      default:
        this.#end();
        this.#parts.waiter.onUpstreamReady(step.line);
    }
  }

  /** The waiter went away. */
  abandon(): void {
    const state = this.#state;
    this.#end();
    if (state.kind === 'connecting') state.endpoint.link.cancel(this);
  }

  onUpstreamReady(line: UpstreamLine): void {
    if (this.#state.kind !== 'connecting') return line.destroy();
    this.#end();
    this.#parts.waiter.onUpstreamReady(line);
  }

  onUpstreamUnreachable(error: PosternError): void {
    if (this.#state.kind !== 'connecting') return;
    this.#tried.push(this.#state.endpoint);
    const another = this.#parts.another(this.#tried, error);
    if (another === null) this.#fail(error);
    else this.#dial(another);
  }

  #dial(endpoint: Endpoint): void {
    this.#parts.wheel.cancel(this.#patience);
    this.#state = Object.freeze({ kind: 'connecting', endpoint });
    endpoint.link.connect(this.#parts.permit, this);
  }

  #onImpatience(): void {
    if (this.#state.kind === 'waiting') this.#fail(this.#parts.onImpatience());
  }

  #fail(error: PosternError): void {
    this.#end();
    this.#parts.waiter.onUpstreamUnreachable(error);
  }

  #end(): void {
    this.#state = done;
    this.#parts.wheel.cancel(this.#patience);
    this.#parts.onDone();
  }
}
