// Connections to the endpoints of one upstream: a request takes one that is kept at the endpoint whose turn it is, or waits for
// a new one there.

import type { Permit } from '../../authz/model.ts';
import type { UpstreamCounters } from '../proxy-observer.ts';
import type { UpstreamConnection } from '../upstream-connection.ts';
import { newReadBuffer, UpstreamPool, type UpstreamPoolOptions } from '../upstream-pool.ts';
import type { UpstreamSource, UpstreamWaiter } from '../upstream-source.ts';
import type { UpstreamTarget } from '../upstream-target.ts';
import { ConnectAttempt, type NextEndpoint } from './connect-attempt.ts';
import type { Place } from './endpoint-options.ts';
import { type Endpoint, type EndpointCounters, EndpointSet, type EndpointSetOptions } from './endpoint-set.ts';

type SetOptions = Omit<EndpointSetOptions<UpstreamPool>, 'makeLink' | 'onChange' | 'wheel' | 'counters'>;

export interface PeerPoolOptions extends SetOptions {
  readonly connections: Omit<UpstreamPoolOptions, 'target' | 'watch' | 'readBuffer' | 'counters'>;
  readonly counters: UpstreamCounters & EndpointCounters;
  readonly targetOf: (place: Place) => UpstreamTarget;
}

export class PeerPool implements UpstreamSource {
  readonly #options: PeerPoolOptions;
  readonly #endpoints: EndpointSet<UpstreamPool>;
  readonly #attempts = new Map<UpstreamWaiter, ConnectAttempt>();

  constructor(options: PeerPoolOptions) {
    this.#options = options;
    const { connections, targetOf, counters, ...rest } = options;
    const shared = { ...connections, counters, readBuffer: newReadBuffer() };
    this.#endpoints = new EndpointSet({
      ...rest,
      counters,
      wheel: connections.wheel,
      makeLink: (place, watch) => new UpstreamPool({ ...shared, target: targetOf(place), watch }),
      onChange: () => this.#onChange(),
    });
  }

  get openCount(): number {
    return this.#endpoints.all.reduce((count, { link }) => count + link.openCount, 0);
  }

  get idleCount(): number {
    return this.#endpoints.all.reduce((count, { link }) => count + link.idleCount, 0);
  }

  /** How many endpoints are in each state. */
  get endpointStates() {
    return this.#endpoints.states();
  }

  take(permit: Permit, waiter: UpstreamWaiter, repeatable: boolean): UpstreamConnection | null {
    const endpoint = this.#endpoints.choose();
    const kept = endpoint === null ? null : endpoint.link.takeKept(permit, repeatable);
    if (kept === null) this.#attempt(permit, waiter, endpoint);
    return kept;
  }

  connect(permit: Permit, waiter: UpstreamWaiter): void {
    this.#attempt(permit, waiter, this.#endpoints.choose());
  }

  cancel(waiter: UpstreamWaiter): void {
    this.#attempts.get(waiter)?.abandon();
  }

  giveBack(connection: UpstreamConnection): void {
    connection.owner.giveBack(connection);
  }

  close(): void {
    this.#endpoints.close();
  }

  /** `first` was chosen already. */
  #attempt(permit: Permit, waiter: UpstreamWaiter, first: Endpoint<UpstreamPool> | null): void {
    let chosen = first;
    const next = (): NextEndpoint => {
      const endpoint = chosen ?? this.#endpoints.choose();
      chosen = null;
      return { endpoint, fault: endpoint === null ? this.#unresolved() : null };
    };
    const { wheel, connectMs } = this.#options.connections;
    const onDone = (): void => void this.#attempts.delete(waiter);
    const attempt = new ConnectAttempt({ permit, waiter, wheel, patienceMs: connectMs, next, onDone });
    this.#attempts.set(waiter, attempt);
    attempt.advance();
  }

  #unresolved() {
    this.#endpoints.hurry();
    const { fault } = this.#endpoints;
    if (fault !== null) this.#options.counters.upstreamConnectFailures.add('dns');
    return fault;
  }

  #onChange(): void {
    for (const attempt of [...this.#attempts.values()]) attempt.advance();
  }
}
