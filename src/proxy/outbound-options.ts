// What an outbound listener can be told: the workload's plain calls come in, and go on to one peer over mutual TLS.

import type { Glob } from '../lib/glob.ts';
import { type InboundLimits, inboundLimitsDefaults, type ListenerOptions } from './inbound-options.ts';

/** Where the peer listens; a name is resolved for each new connection. */
export interface PeerEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface OutboundOptions extends ListenerOptions {
  readonly to: PeerEndpoint;
  /** SPIFFE IDs that the server there may have; at least one. */
  readonly accept: readonly Glob[];
}

/** Limits of one outbound listener; those of its own section replace some. */
export const outboundLimitsDefaults: InboundLimits = Object.freeze({ ...inboundLimitsDefaults, connections: 256 });
