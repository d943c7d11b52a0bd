// All outbound listeners of the process. What they are is set by a start; policies, identity and routes follow every change.

import type { AuditConfig } from '../config/audit-section.ts';
import type { ListenerSettings } from '../proxy/exchange-services.ts';
import { OutboundListener } from '../proxy/outbound-listener.ts';
import type { OutboundOptions } from '../proxy/outbound-options.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { PeerTarget } from '../proxy/peer-target.ts';
import { RouteTable } from '../proxy/route-table.ts';
import { UpstreamPool } from '../proxy/upstream-pool.ts';
import { headLimitsDefaults } from '../wire/head-limits.ts';
import type { ListenerSetParts } from './listener-set.ts';

type SharedSettings = Pick<AuditConfig, 'redactHeaders' | 'outcomes'>;

export class OutboundSet {
  readonly all: readonly OutboundListener[];
  readonly #shared: SharedSettings;

  /** @throws PosternError ERR_CONFIG_ROUTE */
  constructor(
    parts: ListenerSetParts,
    options: readonly OutboundOptions[],
    { shared, own }: { readonly shared: SharedSettings; readonly own: OwnIdentity },
  ) {
    this.#shared = shared;
    this.all = options.map((one) => {
      const { observerOf, ...rest } = parts;
      const target = new PeerTarget(rest, one);
      const settings = this.#settings(one, own, poolOf(parts, one, target));
      return new OutboundListener({ ...rest, observer: observerOf(one.name) }, settings, target);
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
  }

  #settings(options: OutboundOptions, own: OwnIdentity, pool: UpstreamPool): ListenerSettings<OutboundOptions> {
    return Object.freeze({
      options,
      routes: new RouteTable(options, own),
      pool,
      hashedHeaders: this.#shared.redactHeaders,
      outcomes: this.#shared.outcomes,
    });
  }
}

function poolOf(parts: ListenerSetParts, { name, limits }: OutboundOptions, target: PeerTarget): UpstreamPool {
  return new UpstreamPool({
    target,
    limits: headLimitsDefaults,
    wheel: parts.wheel,
    connectMs: limits.upstreamConnectMs,
    responseMs: limits.upstreamResponseMs,
    counters: parts.observerOf(name),
    room: parts.room,
  });
}
