// What a listener that speaks `protocol: tcp` cannot have: nobody reads its octets, so there are no requests.

import type * as z from 'zod';
import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';
import { checkInboundLimits, refuseAboutRequests } from './effect-checks.ts';
import { badValue, refuse } from './fields.ts';
import type { WrittenLimits } from './inbound-limits.ts';
import type { ForwardAddress } from './socket-address.ts';

interface WrittenListener {
  readonly protocol: 'http' | 'tcp';
  readonly forward: ForwardAddress;
  readonly routes: readonly unknown[];
  readonly http2: string;
  readonly identity_required: string;
  readonly forward_token: boolean;
  readonly path_normalization: string;
  readonly path_parameters: string;
  readonly health_passthrough: readonly unknown[];
  readonly plaintext: 'refuse' | 'permit';
  readonly proxy_protocol: { readonly send: 'off' | 'v2' };
  readonly deny: { readonly status: number; readonly body: string };
  readonly workload_headers: readonly unknown[];
  readonly limits: WrittenLimits;
}

/** Keys about requests, and whether a listener says anything by them. */
const aboutRequests: readonly (readonly [
  key: keyof WrittenListener,
  isSaid: (listener: WrittenListener) => boolean,
])[] = [
  ['http2', (one) => one.http2 !== 'off'],
  ['identity_required', (one) => one.identity_required !== 'x509'],
  ['forward_token', (one) => one.forward_token],
  ['path_normalization', (one) => one.path_normalization !== 'reject'],
  ['path_parameters', (one) => one.path_parameters !== 'reject'],
  ['health_passthrough', (one) => one.health_passthrough.length > 0],
  ['deny', (one) => one.deny.status !== 403 || one.deny.body !== 'problem'],
  ['workload_headers', (one) => one.workload_headers.length !== 3],
];

/** Refuses, at its place, what does not go with the protocol of an inbound listener. */
export function checkProtocol(listener: WrittenListener, context: z.RefinementCtx): void {
  checkForward(listener, context);
  checkHealthPaths(listener, context);
  checkNoRoutes(listener, context);
  checkPlaintext(listener, context);
  if (listener.protocol === 'http') return checkHeaders(listener, context);
  for (const [key, isSaid] of aboutRequests) if (isSaid(listener)) refuseAboutRequests([key], context);
  checkInboundLimits(listener, context);
}

/** A token that anybody on the way can read is no proof. */
function checkPlaintext({ plaintext, identity_required }: WrittenListener, context: z.RefinementCtx): void {
  if (plaintext === 'refuse' || identity_required === 'x509') return;
  const message = '`plaintext: permit` would let tokens cross the network in the clear';
  const mend = 'write `plaintext: refuse`, or give callers with tokens a listener of their own';
  refuse(context, badValue(message, mend, 'ERR_CONFIG_UNSAFE'), ['plaintext']);
}

function checkHeaders({ proxy_protocol }: WrittenListener, context: z.RefinementCtx): void {
  if (proxy_protocol.send === 'off') return;
  const message = '`proxy_protocol.send` goes with `protocol: tcp`: HTTP says who calls in its fields';
  refuse(context, badValue(message, 'take it out; see `workload_headers`'), ['proxy_protocol', 'send']);
}

/** Probes are asked in HTTP/1.1. */
function checkHealthPaths({ forward, health_passthrough }: WrittenListener, context: z.RefinementCtx): void {
  const { scheme } = forward;
  if ((scheme !== 'h2c' && scheme !== 'auto') || health_passthrough.length === 0) return;
  const message = `\`health_passthrough\` asks the workload in HTTP/1.1, and \`${scheme}://\` says that it ${scheme === 'h2c' ? 'does' : 'may'} not speak it`;
  refuse(context, badValue(message, 'take `health_passthrough` out, or probe the workload itself'), [
    'health_passthrough',
  ]);
}

/** Refuses what would match requests where there are none. */
export function checkNoRoutes(
  listener: { readonly protocol: string; readonly routes: readonly unknown[]; readonly hosts?: readonly unknown[] },
  context: z.RefinementCtx,
): void {
  if (listener.protocol !== 'tcp') return;
  const mend = 'give `resource` and `action` of the listener, which speak of each connection as a whole';
  for (const key of ['routes', 'hosts'] as const) {
    if ((listener[key]?.length ?? 0) === 0) continue;
    refuse(context, badValue(`\`protocol: tcp\` has no requests that \`${key}\` could match`, mend), [key]);
  }
}

function checkForward({ protocol, forward }: WrittenListener, context: z.RefinementCtx): void {
  const { scheme, address } = forward;
  if (scheme === 'unix' || scheme === protocol || ((scheme === 'h2c' || scheme === 'auto') && protocol === 'http'))
    return;
  const message = `\`protocol: ${protocol}\` cannot forward to \`${scheme}://\``;
  refuse(context, badValue(message, `write \`${protocol}://${formatAddress(address)}\``), ['forward']);
}

/** Refuses the mode of a socket that is no file. */
export function checkSocketMode(
  { listen, socket_mode }: { readonly listen: SocketAddress; readonly socket_mode?: number | undefined },
  context: z.RefinementCtx,
): void {
  if (socket_mode === undefined || listen.kind === 'unix') return;
  const message = `\`${formatAddress(listen)}\` is no unix socket, and has no mode`;
  refuse(context, badValue(message, 'take `socket_mode` out, or listen on `unix:/path`'), ['socket_mode']);
}

/** Mode of a unix socket that says none: whoever may connect to it is trusted with more than others on this machine. */
export const defaultSocketMode = 0o600;
