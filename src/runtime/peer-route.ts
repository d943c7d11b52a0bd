// The way from one outbound listener to its peers. It follows new options: connections stay where they lead to the same place,
// and those to a peer that is no longer accepted lose their right at once (promise 3).

import type { NameSource } from '../proxy/endpoints/name-resolver.ts';
import { PeerPool } from '../proxy/endpoints/peer-pool.ts';
import type { OutboundOptions } from '../proxy/outbound-options.ts';
import { type OpenPeer, PeerTarget } from '../proxy/peer-target.ts';
import { headLimitsDefaults } from '../wire/head-limits.ts';
import type { ListenerSetParts } from './listener-set.ts';

export class PeerRoute {
  /** All open connections to peers, those of earlier options too. */
  readonly open: ReadonlySet<OpenPeer>;
  readonly #parts: ListenerSetParts;
  readonly #names: NameSource;
  readonly #open = new Set<OpenPeer>();
  #options: OutboundOptions;
  #pool: PeerPool;

  constructor(parts: ListenerSetParts, names: NameSource, options: OutboundOptions) {
    this.#parts = parts;
    this.#names = names;
    this.#options = options;
    this.open = this.#open;
    this.#pool = this.#makePool();
  }

  get pool(): PeerPool {
    return this.#pool;
  }

  /** From now on calls go where `options` say. */
  follow(options: OutboundOptions): void {
    const before = this.#options;
    this.#options = options;
    if (poolKey(before) === poolKey(options)) return;
    this.#pool.close();
    this.#pool = this.#makePool();
  }

  #makePool(): PeerPool {
    const { wheel, room, onFault, observerOf } = this.#parts;
    const { to, balance, ejection, breaker, retries, limits, name, protocol } = this.#options;
    const accept = (): OutboundOptions['accept'] => this.#options.accept;
    const parts = { ...this.#parts, accept, handshakeMs: limits.handshakeMs, open: this.#open };
    const http1 = { ...parts, alpn: protocol === 'http' ? (['http/1.1'] as const) : [] };
    const http2 = { ...parts, alpn: ['h2', 'http/1.1'] as const };
    return new PeerPool({
      to,
      balance,
      ejection,
      breaker,
      retries,
      names: this.#names,
      random: Math.random,
      counters: observerOf(name),
      onFault,
      connections: {
        limits: headLimitsDefaults,
        wheel,
        connectMs: limits.upstreamConnectMs,
        responseMs: limits.upstreamResponseMs,
        room,
      },
      callIdleMs: limits.websocketIdleMs,
      targetOf: (place) => new PeerTarget(http1, place),
      http2TargetOf: protocol === 'http' ? (place) => new PeerTarget(http2, place) : null,
    });
  }
}

/** What a pool cannot change while it lives. */
function poolKey({ to, balance, ejection, breaker, retries, limits }: OutboundOptions): string {
  const { upstreamConnectMs, upstreamResponseMs, handshakeMs, websocketIdleMs } = limits;
  const text = (_: string, value: unknown): unknown => (value === Number.POSITIVE_INFINITY ? 'unlimited' : value);
  return JSON.stringify(
    [to, balance, ejection, breaker, retries, upstreamConnectMs, upstreamResponseMs, handshakeMs, websocketIdleMs],
    text,
  );
}
