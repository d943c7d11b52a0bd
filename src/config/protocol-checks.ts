// What a listener that speaks `protocol: tcp` cannot have: nobody reads its octets, so there are no requests.

import type * as z from 'zod';
import { formatAddress } from '../lib/socket-address.ts';
import { badValue, refuse } from './fields.ts';
import type { ForwardAddress } from './socket-address.ts';

interface WrittenListener {
  readonly protocol: 'http' | 'tcp';
  readonly forward: ForwardAddress;
  readonly routes: readonly unknown[];
  readonly identity_required: string;
  readonly forward_token: boolean;
  readonly path_normalization: string;
  readonly path_parameters: string;
  readonly health_passthrough: readonly unknown[];
}

/** Keys about requests, and whether a listener says anything by them. */
const aboutRequests: readonly (readonly [
  key: keyof WrittenListener,
  isSaid: (listener: WrittenListener) => boolean,
])[] = [
  ['identity_required', (one) => one.identity_required !== 'x509'],
  ['forward_token', (one) => one.forward_token],
  ['path_normalization', (one) => one.path_normalization !== 'reject'],
  ['path_parameters', (one) => one.path_parameters !== 'reject'],
  ['health_passthrough', (one) => one.health_passthrough.length > 0],
];

/** Refuses, at its place, what does not go with the protocol of an inbound listener. */
export function checkProtocol(listener: WrittenListener, context: z.RefinementCtx): void {
  checkForward(listener, context);
  checkNoRoutes(listener, context);
  if (listener.protocol === 'http') return;
  for (const [key, isSaid] of aboutRequests) {
    if (!isSaid(listener)) continue;
    const message = `\`${key}\` is about requests, and of \`protocol: tcp\` nobody reads any`;
    refuse(context, badValue(message, `take \`${key}\` out, or write \`protocol: http\``), [key]);
  }
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
  if (scheme === 'unix' || scheme === protocol) return;
  const message = `\`protocol: ${protocol}\` cannot forward to \`${scheme}://\``;
  refuse(context, badValue(message, `write \`${protocol}://${formatAddress(address)}\``), ['forward']);
}
