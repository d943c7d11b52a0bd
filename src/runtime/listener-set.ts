// All inbound listeners of the process. A reload binds what is new before it touches what is there: if an address is not
// to be had, nothing has changed.

import type { AuditConfig } from '../config/audit-section.ts';
import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';
import type { PeerPoolCounters } from '../proxy/endpoints/peer-pool.ts';
import type { ListenerSettings } from '../proxy/exchange-services.ts';
import { EitherVersion } from '../proxy/http2/either-version.ts';
import { Http2UpstreamPool, type Http2UpstreamPoolOptions } from '../proxy/http2/http2-upstream-pool.ts';
import { InboundListener } from '../proxy/inbound-listener.ts';
import type { InboundOptions } from '../proxy/inbound-options.ts';
import type { InboundListenerParts } from '../proxy/listener-services.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import type { ProxyObserver } from '../proxy/proxy-observer.ts';
import { RouteTable } from '../proxy/route-table.ts';
import { newReadBuffer, UpstreamPool } from '../proxy/upstream-pool.ts';
import type { UpstreamSource } from '../proxy/upstream-source.ts';
import { WorkloadTarget } from '../proxy/upstream-target.ts';
import { headLimitsDefaults } from '../wire/head-limits.ts';
import { networkTest } from './internal-networks.ts';

/** What all listeners share, and what each has of its own. */
export interface ListenerSetParts extends Omit<InboundListenerParts, 'observer'> {
  readonly observerOf: (listener: string) => ProxyObserver & PeerPoolCounters;
}

/** Of a stream that nobody parses, more at once costs less: a fifth less CPU time than 64 KiB. */
const relayReadBytes = 256 * 1024;

/** A next state that can be put in force without a fault. */
export interface PreparedListeners {
  commit(): void;
  discard(): void;
}

type SharedSettings = Pick<AuditConfig, 'redactHeaders' | 'outcomes'>;

export class ListenerSet {
  readonly #parts: ListenerSetParts;
  readonly #listeners = new Map<string, InboundListener>();
  /** Removed, and not at their end yet. */
  readonly #leaving = new Set<InboundListener>();
  #shared: SharedSettings;
  #own: OwnIdentity;

  constructor(parts: ListenerSetParts, shared: SharedSettings, own: OwnIdentity) {
    this.#parts = parts;
    this.#shared = shared;
    this.#own = own;
  }

  get all(): readonly InboundListener[] {
    return [...this.#listeners.values()];
  }

  get isListening(): boolean {
    return this.#listeners.size > 0 && this.all.every((listener) => listener.isListening);
  }

  get connectionCount(): number {
    return this.#everyone.reduce((count, listener) => count + listener.connectionCount, 0);
  }

  /** Milliseconds since somebody was connected to any of them; `Infinity` where nobody ever was. */
  get unusedMs(): number {
    return this.#everyone.reduce((least, listener) => Math.min(least, listener.unusedMs), Number.POSITIVE_INFINITY);
  }

  /**
   * Makes the listeners what `options` say. Kept ones keep their connections; removed ones end as their connections do.
   * @throws PosternError ERR_LISTEN, ERR_CONFIG_ROUTE; then nothing has changed
   */
  async replace(options: readonly InboundOptions[], shared: SharedSettings): Promise<void> {
    (await this.prepare(options, shared)).commit();
  }

  /**
   * Everything that can fail: checks and binds.
   * @throws PosternError ERR_LISTEN, ERR_CONFIG_ROUTE; then nothing has changed
   */
  async prepare(options: readonly InboundOptions[], shared: SharedSettings): Promise<PreparedListeners> {
    const kept = options.filter((one) => this.#keeps(one));
    const added = options.filter((one) => !this.#keeps(one));
    // Compiled again at commit, when the own identity may be another; that it can be is known from here on.
    for (const one of kept) new RouteTable(one, this.#own);
    const fresh = await this.#bindAll(added, shared);
    const discard = (): void => {
      for (const listener of fresh) listener.close();
    };
    return { commit: () => this.#swap(options, fresh, shared), discard };
  }

  /** The own identity changed: resources that are filled from it change with it. */
  setOwnIdentity(own: OwnIdentity): void {
    this.#own = own;
    for (const listener of this.all) {
      listener.replaceSettings(this.#settings(listener.settings.options, this.#shared, listener));
    }
  }

  /** Policy changed: open tunnels are asked about at once. */
  judgeAgain(): void {
    for (const listener of this.#everyone) listener.judgeAgain();
  }

  beginDrain(): void {
    for (const listener of this.#everyone) listener.beginDrain();
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.#everyone.map((listener) => listener.stopAccepting()));
  }

  close(): void {
    for (const listener of this.#everyone) listener.close();
  }

  get #everyone(): readonly InboundListener[] {
    return [...this.all, ...this.#leaving];
  }

  #swap(options: readonly InboundOptions[], fresh: readonly InboundListener[], shared: SharedSettings): void {
    this.#shared = shared;
    const stays = new Set(options.filter((one) => this.#keeps(one)).map((one) => one.name));
    for (const listener of fresh) {
      const holder = this.#holderOf(listener.settings.options);
      if (holder !== undefined) listener.takeOver(holder);
    }
    for (const [name, listener] of this.#listeners) {
      if (stays.has(name)) continue;
      this.#listeners.delete(name);
      this.#leaving.add(listener);
      void listener.stopAccepting();
    }
    for (const listener of fresh) this.#listeners.set(listener.settings.options.name, listener);
    for (const one of options) {
      const listener = this.#listeners.get(one.name)!;
      listener.replaceSettings(this.#settings(one, shared, listener));
    }
  }

  #keeps(options: InboundOptions): boolean {
    const listener = this.#listeners.get(options.name);
    return listener !== undefined && isSameAddress(listener.settings.options.listen, options.listen);
  }

  /** Who listens there now, and will not: no configuration has two of one address. */
  #holderOf({ listen }: InboundOptions): InboundListener | undefined {
    // Each gets a free port of its own.
    if (listen.kind === 'tcp' && listen.port === 0) return undefined;
    return this.all.find(({ settings }) => isSameAddress(settings.options.listen, listen));
  }

  async #bindAll(options: readonly InboundOptions[], shared: SharedSettings): Promise<InboundListener[]> {
    const bound: InboundListener[] = [];
    try {
      for (const one of options) {
        const { observerOf, ...parts } = this.#parts;
        const observer = observerOf(one.name);
        const onRetired = (): void => void this.#leaving.delete(listener);
        const listener = new InboundListener({ ...parts, observer, onRetired }, this.#settings(one, shared, null));
        bound.push(listener);
        if (this.#holderOf(one) === undefined) await listener.listen();
      }
    } catch (error) {
      for (const listener of bound) listener.close();
      throw error;
    }
    return bound;
  }

  #settings(
    options: InboundOptions,
    shared: SharedSettings,
    current: InboundListener | null,
  ): ListenerSettings<InboundOptions> {
    const { acceptFrom } = options.proxyProtocol;
    const pool = current?.settings.pool;
    const isSamePool = pool !== undefined && poolKey(current!.settings.options) === poolKey(options);
    return Object.freeze({
      options,
      routes: new RouteTable(options, this.#own),
      pool: isSamePool ? pool : this.#pool(options),
      hashedHeaders: shared.redactHeaders,
      outcomes: shared.outcomes,
      servesGrpc: options.workloadSpeaks !== 'http1',
      ...(acceptFrom.length === 0 ? {} : { isBalancer: networkTest(acceptFrom) }),
    });
  }

  #pool(options: InboundOptions): UpstreamSource {
    const shared = {
      target: new WorkloadTarget(options.forward),
      limits: headLimitsDefaults,
      wheel: this.#parts.wheel,
      connectMs: options.limits.upstreamConnectMs,
      responseMs: options.limits.upstreamResponseMs,
      counters: this.#parts.observerOf(options.name),
      room: this.#parts.room,
    };
    const streams = { ...shared, callIdleMs: options.limits.websocketIdleMs };
    if (options.workloadSpeaks === 'http2') return new Http2UpstreamPool(streams);
    if (options.workloadSpeaks === 'either') return eitherPool(streams);
    const own = options.protocol === 'tcp' ? { readBuffer: newReadBuffer(relayReadBytes) } : {};
    return new UpstreamPool({ ...shared, ...own });
  }
}

/** One that was replaced without a failure is found after this; a workload that is asked logs a request that it does not know. */
const http1RememberedMs = 600_000;

/** To a workload that says by itself what it speaks. Whatever fails there may be its end, and the next one may speak otherwise. */
function eitherPool(options: Http2UpstreamPoolOptions): EitherVersion {
  const watch = { answered: () => {}, freed: () => {}, failed: () => either.forget() };
  const either: EitherVersion = new EitherVersion({
    http1: new UpstreamPool({ ...options, watch }),
    makeHttp2: () => new Http2UpstreamPool({ ...options, isTrial: true }),
    wheel: options.wheel,
    prefersHttp2: ({ isUpgrade }) => isUpgrade !== true,
    rememberedMs: http1RememberedMs,
  });
  return either;
}

function isSameAddress(a: SocketAddress, b: SocketAddress): boolean {
  return formatAddress(a) === formatAddress(b);
}

/** What a pool cannot change while it lives. */
function poolKey(options: InboundOptions): string {
  const { upstreamConnectMs, upstreamResponseMs } = options.limits;
  const scheme =
    options.workloadSpeaks === 'http1' ? '' : `${options.workloadSpeaks} ${options.limits.websocketIdleMs}`;
  return `${scheme} ${formatAddress(options.forward)} ${upstreamConnectMs} ${upstreamResponseMs}`;
}
