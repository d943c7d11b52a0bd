// Keys that a listener would take and do nothing by: whoever writes one believes in a bound that nobody keeps. One that says no more than
// the default cannot be told from one that is not there, and harms nobody.

import type * as z from 'zod';
import { type InboundLimits, inboundLimitsDefaults } from '../proxy/inbound-options.ts';
import { outboundLimitsDefaults } from '../proxy/outbound-options.ts';
import { badValue, refuse } from './fields.ts';
import type { WrittenLimits } from './inbound-limits.ts';

type Path = readonly (string | number)[];

/** Limits of requests by the names of configuration. */
const requestLimits = {
  header_bytes: 'headerBytes',
  headers: 'headers',
  body_bytes: 'bodyBytes',
  header: 'headerMs',
  request: 'requestMs',
  websocket_idle: 'websocketIdleMs',
  upstream_response: 'upstreamResponseMs',
  streams: 'streams',
  min_body_rate: 'minBodyRateBytesPerS',
} as const satisfies Readonly<Record<string, keyof InboundLimits & keyof WrittenLimits>>;

/** Refuses limits of requests at an inbound listener that has none. */
export function checkInboundLimits(
  listener: { readonly protocol: string; readonly limits: WrittenLimits },
  context: z.RefinementCtx,
): void {
  if (listener.protocol !== 'tcp') return;
  for (const [key, limit] of Object.entries(requestLimits)) {
    if (listener.limits[limit] !== inboundLimitsDefaults[limit]) refuseAboutRequests(['limits', key], context);
  }
}

/** Refuses a key of a listener that speaks `protocol: tcp`. */
export function refuseAboutRequests(path: Path, context: z.RefinementCtx): void {
  const key = path.join('.');
  const message = `\`${key}\` is about requests, and of \`protocol: tcp\` nobody reads any`;
  refuse(context, badValue(message, `take \`${key}\` out, or write \`protocol: http\``), path);
}

/** What may be said in vain at an outbound listener, as parsed. */
export interface OutboundKeys {
  readonly protocol: 'http' | 'proxy' | 'tcp';
  readonly mode: string;
  readonly retries: number;
  readonly balance: string;
  readonly limits: {
    readonly response: number;
    readonly request: number;
    readonly requests?: number | undefined;
    readonly pending?: number | undefined;
    readonly peer_connections?: number | undefined;
  };
}

/** Refuses limits of requests at an outbound listener that has none. */
export function checkOutboundLimits({ protocol, limits }: OutboundKeys, context: z.RefinementCtx): void {
  if (protocol !== 'tcp') return;
  const { upstreamResponseMs, requestMs } = outboundLimitsDefaults;
  if (limits.response !== upstreamResponseMs) refuseAboutRequests(['limits', 'response'], context);
  if (limits.request !== requestMs) refuseAboutRequests(['limits', 'request'], context);
  if (limits.requests !== undefined) refuseAboutRequests(['limits', 'requests'], context);
}

/** What is said of a proxy's way to a peer, where the listener with the host has its own. */
export function proxyKeysInVain({ mode, retries, balance, limits }: OutboundKeys): readonly Path[] {
  const breaker = (['requests', 'pending', 'peer_connections'] as const).filter((key) => limits[key] !== undefined);
  return [
    ...(mode === 'enforce' ? [] : [['mode']]),
    ...(retries === 1 ? [] : [['retries']]),
    ...(balance === 'round_robin' ? [] : [['balance']]),
    ...breaker.map((key) => ['limits', key]),
  ];
}
