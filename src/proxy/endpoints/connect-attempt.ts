// One request's wish for a new connection. States: `waiting` until an address is known; `connecting` to an endpoint; `done`
// when its waiter was told, or went away. It tells its waiter once at most.

import type { Permit } from '../../authz/model.ts';
import { PosternError } from '../../errors.ts';
import { type TimerWheel, WheelEntry } from '../../lib/timer-wheel.ts';
import type { UpstreamConnection } from '../upstream-connection.ts';
import type { UpstreamSource, UpstreamWaiter } from '../upstream-source.ts';

/** An endpoint as an attempt sees it. */
interface Dialled {
  readonly link: Pick<UpstreamSource, 'connect' | 'cancel'>;
}

/** Whom to ask, or why nobody can be; both null while an address is awaited. */
export interface NextEndpoint {
  readonly endpoint: Dialled | null;
  readonly fault: PosternError | null;
}

export interface AttemptParts {
  readonly permit: Permit;
  readonly waiter: UpstreamWaiter;
  readonly wheel: TimerWheel;
  /** How long an address may be awaited, milliseconds. */
  readonly patienceMs: number;
  readonly next: () => NextEndpoint;
  /** Before the waiter is told. */
  readonly onDone: () => void;
}

type State =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'connecting'; readonly endpoint: Dialled }
  | { readonly kind: 'done' };

const waiting: State = Object.freeze({ kind: 'waiting' });
const done: State = Object.freeze({ kind: 'done' });

export class ConnectAttempt implements UpstreamWaiter {
  readonly #parts: AttemptParts;
  readonly #patience = new WheelEntry(() => this.#onImpatience());
  #state: State = waiting;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** Asks the next endpoint, if it asks nobody yet. */
  advance(): void {
    if (this.#state.kind !== 'waiting') return;
    const { next, wheel, patienceMs, permit } = this.#parts;
    const { endpoint, fault } = next();
    if (fault !== null) return this.#fail(fault);
    if (endpoint === null) {
      if (!this.#patience.isScheduled) wheel.schedule(this.#patience, patienceMs);
      return;
    }
    wheel.cancel(this.#patience);
    this.#state = Object.freeze({ kind: 'connecting', endpoint });
    endpoint.link.connect(permit, this);
  }

  /** The waiter went away. */
  abandon(): void {
    const state = this.#state;
    this.#end();
    if (state.kind === 'connecting') state.endpoint.link.cancel(this);
  }

  onUpstreamReady(connection: UpstreamConnection): void {
    if (this.#state.kind !== 'connecting') return connection.destroy();
    this.#end();
    this.#parts.waiter.onUpstreamReady(connection);
  }

  onUpstreamUnreachable(error: PosternError): void {
    if (this.#state.kind === 'connecting') this.#fail(error);
  }

  #onImpatience(): void {
    if (this.#state.kind !== 'waiting') return;
    this.#fail(new PosternError('ERR_OUTBOUND_DNS', `no name was resolved within ${this.#parts.patienceMs} ms`));
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
