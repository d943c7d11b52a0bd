// What an outbound listener can be told: the workload's plain calls come in, and go on to one peer over mutual TLS.

import type { Glob } from '../lib/glob.ts';
import type { Balance, BreakerLimits, EjectionOptions } from './endpoints/endpoint-options.ts';
import { type InboundLimits, inboundLimitsDefaults, type ListenerOptions } from './inbound-options.ts';

/** Where the peer listens; a name stands for as many endpoints as it has addresses. */
export interface PeerEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface OutboundOptions extends ListenerOptions {
  /** A proxy serves each request as the listener among whose `hosts` its Host is, and leads nowhere itself. */
  readonly kind: 'upstream' | 'proxy';
  /** Names by which proxies know it, lower case, without port. */
  readonly hosts: readonly string[];
  /** At least one; none of a proxy. */
  readonly to: readonly PeerEndpoint[];
  readonly balance: Balance;
  readonly ejection: EjectionOptions;
  readonly breaker: BreakerLimits;
  /** Further tries for a connection; and, of a request that may be repeated, further sendings. Default 1. */
  readonly retries: number;
  /** SPIFFE IDs that the server there may have; at least one. */
  readonly accept: readonly Glob[];
}

/** Limits of one outbound listener; those of its own section replace some. */
export const outboundLimitsDefaults: InboundLimits = Object.freeze({
  ...inboundLimitsDefaults,
  connections: 256,
  handshakeMs: 5_000,
});
