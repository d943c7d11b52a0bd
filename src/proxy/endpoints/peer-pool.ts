// Connections to the endpoints of one upstream: a request takes one that is kept at the endpoint whose turn it is, or waits for
// a new one there. Whatever would be too much is refused at once.

import type { Permit } from '../../authz/model.ts';
import { PosternError } from '../../errors.ts';
import { EitherVersion } from '../http2/either-version.ts';
import { Http2UpstreamPool } from '../http2/http2-upstream-pool.ts';
import type { UpstreamCounters } from '../proxy-observer.ts';
import type { UpstreamLine } from '../upstream-line.ts';
import { newReadBuffer, UpstreamPool, type UpstreamPoolOptions, type UpstreamWatch } from '../upstream-pool.ts';
import type { UpstreamSource, UpstreamWaiter } from '../upstream-source.ts';
import type { UpstreamTarget } from '../upstream-target.ts';
import { ConnectAttempt, type NextStep } from './connect-attempt.ts';
import type { BreakerLimits, Place } from './endpoint-options.ts';
import { type Endpoint, type EndpointCounters, EndpointSet, type EndpointSetOptions } from './endpoint-set.ts';
import { RetryBudget } from './retry-budget.ts';

/** A limit of the breaker, as metrics name it. */
export type BreakerLimit = 'peer_connections' | 'pending' | 'requests';

export interface PeerPoolCounters extends UpstreamCounters, EndpointCounters {
  readonly upstreamRetries: { add(reason: RetryReason): void };
  limitMet(limit: BreakerLimit): void;
}

/** Why something was tried again, or was not though it might have been. */
export type RetryReason = 'not_connected' | 'no_answer' | 'over_budget';

type SetOptions = Omit<EndpointSetOptions<EitherVersion>, 'makeLink' | 'onChange' | 'wheel' | 'counters'>;

export interface PeerPoolOptions extends SetOptions {
  readonly connections: Omit<UpstreamPoolOptions, 'target' | 'watch' | 'readBuffer' | 'counters'>;
  readonly breaker: BreakerLimits;
  /** Further tries for a connection; and, of a request that may be repeated, further sendings. */
  readonly retries: number;
  readonly counters: PeerPoolCounters;
  readonly targetOf: (place: Place) => UpstreamTarget;
  /** As `targetOf`, of connections that streams share; null where none are spoken. */
  readonly http2TargetOf: ((place: Place) => UpstreamTarget) | null;
  /** Time without a byte on a call of gRPC, milliseconds. */
  readonly callIdleMs: number;
}

type PeerEndpoint = Endpoint<EitherVersion>;

/** Which kept connections a request may take. */
type Kept = 'any' | 'fresh' | 'none';

/** A request's wish for a connection. */
interface Wish {
  readonly permit: Permit;
  readonly waiter: UpstreamWaiter;
  readonly kept: Kept;
}

/** A peer that is replaced by one that speaks HTTP/2 is found after this. */
const http1RememberedMs = 60_000;

const wait: NextStep<never> = Object.freeze({ kind: 'wait' });

export class PeerPool implements UpstreamSource {
  readonly #options: PeerPoolOptions;
  readonly #endpoints: EndpointSet<EitherVersion>;
  /** In the order in which they came. */
  readonly #attempts = new Map<UpstreamWaiter, ConnectAttempt<PeerEndpoint>>();
  readonly #budget = new RetryBudget();
  #isWaking = false;

  constructor(options: PeerPoolOptions) {
    this.#options = options;
    const { connections, counters, ...rest } = options;
    const readBuffer = newReadBuffer();
    const freed = (): void => this.#wakeSoon();
    this.#endpoints = new EndpointSet({
      ...rest,
      counters,
      wheel: connections.wheel,
      makeLink: (place, reports) => this.#makeLink(place, { ...reports, freed }, readBuffer),
      onChange: () => this.#wake(),
    });
  }

  get openCount(): number {
    return this.#endpoints.all.reduce((count, { link }) => count + link.openCount, 0);
  }

  get idleCount(): number {
    return this.#endpoints.all.reduce((count, { link }) => count + link.idleCount, 0);
  }

  get endpointStates() {
    return this.#options.to.length === 0 ? null : this.#endpoints.states();
  }

  take(permit: Permit, waiter: UpstreamWaiter, repeatable: boolean): UpstreamLine | null {
    this.#budget.earn();
    const { requests } = this.#options.breaker;
    if (requests !== Number.POSITIVE_INFINITY && this.#isBusy()) {
      waiter.onUpstreamUnreachable(this.#tooMany('requests', requests));
      return null;
    }
    const first = this.#endpoints.choose();
    const kept = first === null ? null : first.link.takeKept(permit, waiter, repeatable);
    if (kept === null) this.#attempt(permit, waiter, { first, kept: repeatable ? 'any' : 'fresh' });
    return kept;
  }

  connect(permit: Permit, waiter: UpstreamWaiter): void {
    this.#budget.earn();
    this.#attempt(permit, waiter, { first: null, kept: 'none' });
  }

  /** A kept connection may have been closed by nobody's fault; more often than that, only as retries allow. */
  mayRepeat(line: UpstreamLine, repeats: number): boolean {
    if (repeats === 0 && line.wasKept) return true;
    return repeats < this.#options.retries && this.#mayRetry('no_answer');
  }

  cancel(waiter: UpstreamWaiter): void {
    this.#attempts.get(waiter)?.abandon();
  }

  close(): void {
    this.#endpoints.close();
  }

  #makeLink(place: Place, watch: UpstreamWatch, readBuffer: Buffer): EitherVersion {
    const { connections, counters, targetOf, http2TargetOf, callIdleMs } = this.#options;
    const shared = { ...connections, counters, watch };
    const makeHttp2 = (): Http2UpstreamPool =>
      new Http2UpstreamPool({ ...shared, callIdleMs, target: http2TargetOf!(place) });
    return new EitherVersion({
      http1: new UpstreamPool({ ...shared, readBuffer, target: targetOf(place) }),
      makeHttp2: http2TargetOf === null ? null : makeHttp2,
      wheel: connections.wheel,
      prefersHttp2: ({ isStream }) => isStream === true,
      rememberedMs: http1RememberedMs,
    });
  }

  #attempt(
    permit: Permit,
    waiter: UpstreamWaiter,
    how: { readonly first: PeerEndpoint | null; readonly kept: Kept },
  ): void {
    const { wheel, connectMs } = this.#options.connections;
    const { pending } = this.#options.breaker;
    if (this.#attempts.size >= pending) return waiter.onUpstreamUnreachable(this.#tooMany('pending', pending));
    let { first } = how;
    const next = (): NextStep<PeerEndpoint> => {
      const step = this.#next({ permit, waiter, kept: how.kept }, first);
      // It is full: an attempt that goes on waiting is counted once.
      if (step.kind === 'wait' && first !== null) this.#options.counters.limitMet('peer_connections');
      first = null;
      return step;
    };
    const attempt = new ConnectAttempt<PeerEndpoint>({
      permit,
      waiter,
      wheel,
      patienceMs: connectMs,
      next,
      another: (tried, error) => this.#another(tried, error),
      onImpatience: () => this.#impatience(),
      onDone: () => void this.#attempts.delete(waiter),
    });
    this.#attempts.set(waiter, attempt);
    attempt.advance();
  }

  /** `first` was chosen, and has no connection to spare. */
  #next({ permit, waiter, kept }: Wish, first: PeerEndpoint | null): NextStep<PeerEndpoint> {
    const endpoint = first ?? this.#endpoints.choose();
    if (endpoint === null) return this.#unresolved();
    const isNew = first !== null || kept === 'none';
    const line = isNew ? null : endpoint.link.takeKept(permit, waiter, kept === 'any');
    if (line !== null) return { kind: 'take', line };
    const isFull = this.openCount >= this.#options.breaker.connections;
    if (isFull && !this.#endpoints.all.some(({ link }) => link.dropIdle())) return wait;
    return { kind: 'dial', endpoint };
  }

  #unresolved(): NextStep<never> {
    this.#endpoints.hurry();
    const error = this.#endpoints.fault;
    if (error === null) return wait;
    this.#options.counters.upstreamConnectFailures.add('dns');
    return { kind: 'fail', error };
  }

  /** One that broke off within the handshake may be asked again; one that refused says the same again. */
  #another(tried: readonly PeerEndpoint[], error: PosternError): PeerEndpoint | null {
    if (tried.length > this.#options.retries) return null;
    const next = this.#endpoints.choose(new Set(tried)) ?? (isCut(error) ? tried.at(-1)! : null);
    return next !== null && this.#mayRetry('not_connected') ? next : null;
  }

  #mayRetry(reason: RetryReason): boolean {
    const isAffordable = this.#budget.spend(this.#options.connections.wheel.nowMs);
    this.#options.counters.upstreamRetries.add(isAffordable ? reason : 'over_budget');
    return isAffordable;
  }

  #impatience(): PosternError {
    const { connectMs } = this.#options.connections;
    if (this.#endpoints.all.length > 0) return overloaded(`no connection became free within ${connectMs} ms`);
    this.#options.counters.upstreamConnectFailures.add('dns');
    return new PosternError('ERR_OUTBOUND_DNS', `no name was resolved within ${connectMs} ms`);
  }

  #tooMany(limit: BreakerLimit, most: number): PosternError {
    this.#options.counters.limitMet(limit);
    return overloaded(`\`limits.${limit}\` of ${most} is met`);
  }

  /** With a connection, or waiting for one; only counted where it can be too many. */
  #isBusy(): boolean {
    let count = 0;
    for (const { link } of this.#endpoints.all) count += link.active;
    for (const attempt of this.#attempts.values()) if (attempt.isWaiting) count++;
    return count >= this.#options.breaker.requests;
  }

  /** Within the turn in which a connection becomes free its exchange is not over yet. */
  #wakeSoon(): void {
    if (this.#isWaking || this.#attempts.size === 0) return;
    this.#isWaking = true;
    setImmediate(() => {
      this.#isWaking = false;
      this.#wake();
    });
  }

  /** In the order in which they came, until one has to go on waiting. */
  #wake(): void {
    for (const attempt of [...this.#attempts.values()]) {
      attempt.advance();
      if (attempt.isWaiting) return;
    }
  }
}

function overloaded(why: string): PosternError {
  return new PosternError('ERR_OUTBOUND_OVERLOADED', why);
}

/** The connection came about and then ended without a word. */
function isCut({ code, cause }: PosternError): boolean {
  if (code !== 'ERR_OUTBOUND_HANDSHAKE') return false;
  return cause === undefined || (cause as NodeJS.ErrnoException).code === 'ECONNRESET';
}
