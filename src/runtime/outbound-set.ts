// All outbound listeners of the process. What they are is set by a start; policies, identity and routes follow every change.

import type { AuditConfig } from '../config/audit-section.ts';
import { hostsFile } from '../proxy/endpoints/hosts-file.ts';
import { NameResolver } from '../proxy/endpoints/name-resolver.ts';
import { PeerPool } from '../proxy/endpoints/peer-pool.ts';
import type { ListenerSettings } from '../proxy/exchange-services.ts';
import { OutboundListener } from '../proxy/outbound-listener.ts';
import type { OutboundOptions } from '../proxy/outbound-options.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { type OpenPeer, PeerTarget } from '../proxy/peer-target.ts';
import { RouteTable } from '../proxy/route-table.ts';
import type { UpstreamSource } from '../proxy/upstream-source.ts';
import { headLimitsDefaults } from '../wire/head-limits.ts';
import type { ListenerSetParts } from './listener-set.ts';

type SharedSettings = Pick<AuditConfig, 'redactHeaders' | 'outcomes'>;

export class OutboundSet {
  readonly all: readonly OutboundListener[];
  readonly #shared: SharedSettings;
  readonly #names = new NameResolver({ hostsFile });

  /** @throws PosternError ERR_CONFIG_ROUTE */
  constructor(
    parts: ListenerSetParts,
    options: readonly OutboundOptions[],
    { shared, own }: { readonly shared: SharedSettings; readonly own: OwnIdentity },
  ) {
    this.#shared = shared;
    this.all = options.map((one) => {
      const { observerOf, ...rest } = parts;
      const open = new Set<OpenPeer>();
      const settings = this.#settings(one, own, this.#pool(parts, one, open));
      return new OutboundListener({ ...rest, observer: observerOf(one.name) }, settings, open);
    });
  }

  get connectionCount(): number {
    return this.all.reduce((count, listener) => count + listener.connectionCount, 0);
  }

  /** @throws PosternError ERR_LISTEN; whoever asked closes the set then */
  async listen(): Promise<void> {
    for (const listener of this.all) await listener.listen();
  }

  /** The own identity changed: resources that are filled from it change with it. */
  setOwnIdentity(own: OwnIdentity): void {
    for (const listener of this.all) {
      const { options, pool } = listener.settings;
      listener.replaceSettings(this.#settings(options, own, pool));
    }
  }

  judgeAgain(): void {
    for (const listener of this.all) listener.judgeAgain();
  }

  beginDrain(): void {
    for (const listener of this.all) listener.beginDrain();
  }

  async stopAccepting(): Promise<void> {
    await Promise.all(this.all.map((listener) => listener.stopAccepting()));
  }

  close(): void {
    for (const listener of this.all) listener.close();
    this.#names.close();
  }

  #pool(parts: ListenerSetParts, options: OutboundOptions, open: Set<OpenPeer>): PeerPool {
    const { wheel, room, onFault, observerOf } = parts;
    const { to, balance, ejection, breaker, retries, limits, accept, name } = options;
    return new PeerPool({
      to,
      balance,
      ejection,
      breaker,
      retries,
      resolve: this.#names.resolve,
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
      targetOf: (place) => new PeerTarget({ ...parts, accept, handshakeMs: limits.handshakeMs, open }, place),
    });
  }

  #settings(options: OutboundOptions, own: OwnIdentity, pool: UpstreamSource): ListenerSettings<OutboundOptions> {
    return Object.freeze({
      options,
      routes: new RouteTable(options, own),
      pool,
      hashedHeaders: this.#shared.redactHeaders,
      outcomes: this.#shared.outcomes,
    });
  }
}
