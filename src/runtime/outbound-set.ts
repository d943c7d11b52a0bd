// All outbound listeners of the process. A reload binds what is new before it touches what is there: if an address is not to be
// had, nothing has changed. Kept ones keep their callers; removed ones end as their calls do.

import type { AuditConfig } from '../config/audit-section.ts';
import { formatAddress } from '../lib/socket-address.ts';
import { hostsFile } from '../proxy/endpoints/hosts-file.ts';
import { NameResolver } from '../proxy/endpoints/name-resolver.ts';
import type { ExchangeServices, ListenerSettings } from '../proxy/exchange-services.ts';
import { OutboundListener } from '../proxy/outbound-listener.ts';
import type { OutboundOptions } from '../proxy/outbound-options.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { RouteTable } from '../proxy/route-table.ts';
import type { ListenerSetParts, PreparedListeners } from './listener-set.ts';
import { PeerRoute } from './peer-route.ts';

type SharedSettings = Pick<AuditConfig, 'redactHeaders' | 'outcomes'>;

interface Slot {
  readonly listener: OutboundListener;
  readonly route: PeerRoute;
}

export class OutboundSet {
  readonly #parts: ListenerSetParts;
  /** Where programs may be led by `/etc/hosts`. */
  readonly #addresses = new Set<string>();
  readonly #names = new NameResolver({ hostsFile, isOwn: (address) => this.#addresses.has(address) });
  readonly #slots = new Map<string, Slot>();
  /** Removed, and not at their end yet. */
  readonly #leaving = new Set<OutboundListener>();
  /** By the names that proxies know them by. */
  #hosts: ReadonlyMap<string, OutboundListener> = new Map();
  #shared: SharedSettings;
  #own: OwnIdentity;

  constructor(parts: ListenerSetParts, shared: SharedSettings, own: OwnIdentity) {
    this.#parts = parts;
    this.#shared = shared;
    this.#own = own;
  }

  get all(): readonly OutboundListener[] {
    return [...this.#slots.values()].map(({ listener }) => listener);
  }

  get connectionCount(): number {
    return this.#everyone.reduce((count, listener) => count + listener.connectionCount, 0);
  }

  /** Makes the listeners what `options` say. @throws PosternError ERR_LISTEN, ERR_CONFIG_ROUTE; then nothing has changed */
  async replace(options: readonly OutboundOptions[], shared: SharedSettings): Promise<void> {
    (await this.prepare(options, shared)).commit();
  }

  /** Everything that can fail. @throws PosternError ERR_LISTEN, ERR_CONFIG_ROUTE; then nothing has changed */
  async prepare(options: readonly OutboundOptions[], shared: SharedSettings): Promise<PreparedListeners> {
    // Compiled again at commit, when the own identity may be another; that it can be is known from here on.
    for (const one of options) new RouteTable(one, this.#own);
    const fresh = await this.#bindAll(options.filter((one) => !this.#keeps(one)));
    const discard = (): void => {
      for (const { listener } of fresh) listener.close();
    };
    return { commit: () => this.#swap(options, fresh, shared), discard };
  }

  /** The own identity changed: resources that are filled from it change with it. */
  setOwnIdentity(own: OwnIdentity): void {
    this.#own = own;
    for (const slot of this.#slots.values()) this.#settle(slot, slot.listener.settings.options);
  }

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
    this.#names.close();
  }

  get #everyone(): readonly OutboundListener[] {
    return [...this.all, ...this.#leaving];
  }

  /** One whose pool is new, too: the settings are read when they are needed. */
  readonly #upstreamOf = (host: string): ExchangeServices | null => this.#hosts.get(host)?.services ?? null;

  #keeps({ name, listen, kind }: OutboundOptions): boolean {
    const held = this.#slots.get(name)?.listener.settings.options;
    return held !== undefined && held.kind === kind && formatAddress(held.listen) === formatAddress(listen);
  }

  /** Who listens there now, and will not: no configuration has two of one address. */
  #holderOf({ listen }: OutboundOptions): OutboundListener | undefined {
    // Each gets a free port of its own.
    if (listen.kind === 'tcp' && listen.port === 0) return undefined;
    return this.all.find(({ settings }) => formatAddress(settings.options.listen) === formatAddress(listen));
  }

  async #bindAll(options: readonly OutboundOptions[]): Promise<readonly Slot[]> {
    const bound: Slot[] = [];
    try {
      for (const one of options) {
        const slot = this.#make(one);
        bound.push(slot);
        if (this.#holderOf(one) === undefined) await slot.listener.listen();
      }
    } catch (error) {
      for (const { listener } of bound) listener.close();
      throw error;
    }
    return bound;
  }

  #make(options: OutboundOptions): Slot {
    const { observerOf, ...rest } = this.#parts;
    const { listen } = options;
    if (listen.kind === 'tcp') this.#addresses.add(listen.host);
    const route = new PeerRoute(this.#parts, this.#names, options);
    const parts = { ...rest, observer: observerOf(options.name), peers: route.open, upstreamOf: this.#upstreamOf };
    const onRetired = (): void => void this.#leaving.delete(listener);
    const listener = new OutboundListener({ ...parts, onRetired }, this.#settings(route, options));
    return { listener, route };
  }

  #swap(options: readonly OutboundOptions[], fresh: readonly Slot[], shared: SharedSettings): void {
    this.#shared = shared;
    const stays = new Set(options.filter((one) => this.#keeps(one)).map(({ name }) => name));
    for (const { listener } of fresh) {
      const holder = this.#holderOf(listener.settings.options);
      if (holder !== undefined) listener.takeOver(holder);
    }
    for (const [name, { listener }] of this.#slots) {
      if (stays.has(name)) continue;
      this.#slots.delete(name);
      this.#leaving.add(listener);
      listener.retire();
    }
    for (const slot of fresh) this.#slots.set(slot.listener.settings.options.name, slot);
    for (const one of options) this.#settle(this.#slots.get(one.name)!, one);
    this.#hosts = new Map(this.all.flatMap((one) => one.settings.options.hosts.map((host) => [host, one] as const)));
  }

  #settle({ listener, route }: Slot, options: OutboundOptions): void {
    route.follow(options);
    listener.replaceSettings(this.#settings(route, options));
  }

  #settings({ pool }: PeerRoute, options: OutboundOptions): ListenerSettings<OutboundOptions> {
    return Object.freeze({
      options,
      routes: new RouteTable(options, this.#own),
      pool,
      hashedHeaders: this.#shared.redactHeaders,
      outcomes: this.#shared.outcomes,
      servesGrpc: options.protocol === 'http',
    });
  }
}
