// What no single key can tell: two places of a configuration that cannot both hold. Runs on whichever sections parsed.

import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';
import type { InboundOptions, RouteOptions } from '../proxy/inbound-options.ts';
import type { AdminConfig } from './admin-section.ts';
import { agentConflicts } from './agent-socket.ts';
import type { DataPath, Environment } from './config-source.ts';
import { type Conflict, conflict } from './conflict.ts';
import { federationConflicts } from './federation-checks.ts';
import { healthPathConflicts } from './health-path-checks.ts';
import { hostConflicts } from './host-checks.ts';
import type { IdentityConfig } from './identity-section.ts';
import { type SharingSections, sharingConflicts } from './sharing-checks.ts';
import { isSameSocket } from './socket-address.ts';
import { tokenConflicts } from './token-checks.ts';

/** The sections that parsed; the others are undefined. */
export interface CheckedSections extends SharingSections {
  readonly identity?: IdentityConfig | undefined;
  readonly admin?: AdminConfig | undefined;
}

/** Every conflict, in no particular order. */
export function findConflicts(sections: CheckedSections, env: Environment): Conflict[] {
  const inbound = sections.inbound ?? [];
  const outbound = sections.outbound ?? [];
  const listeners = [
    ...inbound.map(({ name, listen }, at) => ({ name, listen, place: ['inbound', at] as const })),
    ...outbound.map(({ name, listen }, at) => ({ name, listen, place: ['outbound', at] as const })),
  ];
  return [
    ...(listeners.length === 0 ? noListener(sections) : []),
    ...sameNames(listeners),
    ...sameAddresses(listeners),
    ...loops(inbound, listeners),
    ...adminCollisions(inbound, listeners, sections.admin),
    ...outbound.flatMap((listener, at) => deadRoutes(listener.routes, ['outbound', at, 'routes'])),
    ...healthPathConflicts(inbound),
    ...hostConflicts(outbound),
    ...sharingConflicts(sections),
    ...federationConflicts(sections),
    ...inbound.flatMap((listener, at) => deadRoutes(listener.routes, ['inbound', at, 'routes'])),
    ...devCaInProduction(sections.identity, env),
    ...agentConflicts(sections.identity, env),
    ...tokenConflicts(sections),
  ];
}

/** Says nothing where a section has a fault of its own, or where there is no configuration at all. */
function noListener({ inbound, outbound, identity }: CheckedSections): Conflict[] {
  if (inbound === undefined || outbound === undefined || identity === undefined) return [];
  return [conflict('there is no listener', 'add a listener under `inbound:` or `outbound:`', [])];
}

/** A listener of either direction, and where it stands. */
interface PlacedListener {
  readonly name: string;
  readonly listen: SocketAddress;
  readonly place: readonly [section: string, at: number];
}

/** Names stand in records and metrics, which know no sections. */
function sameNames(listeners: readonly PlacedListener[]): Conflict[] {
  return listeners.flatMap(({ name, place }) => {
    const [section, at] = listeners.find((other) => other.name === name)!.place;
    const message = `the name \`${name}\` is taken by \`${section}[${at}]\``;
    const isFirst = section === place[0] && at === place[1];
    return isFirst ? [] : [conflict(message, 'give each listener its own name', [...place, 'name'])];
  });
}

function sameAddresses(listeners: readonly PlacedListener[]): Conflict[] {
  return listeners.flatMap(({ listen, place }, at) => {
    const first = listeners.findIndex((other, earlier) => earlier < at && isSameSocket(other.listen, listen));
    if (first < 0) return [];
    const message = `\`${formatAddress(listen)}\` is taken by the listener \`${listeners[first]!.name}\``;
    return [conflict(message, 'give each listener its own address', [...place, 'listen'])];
  });
}

/** One that forwards to a listener would answer its own requests, or let a peer call others in the own name. */
function loops(inbound: readonly InboundOptions[], listeners: readonly PlacedListener[]): Conflict[] {
  return inbound.flatMap(({ forward }, at) => {
    const reached = listeners.find((other) => isSameSocket(other.listen, forward));
    if (reached === undefined) return [];
    const message = `\`${formatAddress(forward)}\` is the listener \`${reached.name}\`, not the workload`;
    return [conflict(message, 'forward to the port that the workload listens on', ['inbound', at, 'forward'])];
  });
}

function adminCollisions(
  inbound: readonly InboundOptions[],
  listeners: readonly PlacedListener[],
  admin: AdminConfig | undefined,
): Conflict[] {
  if (admin === undefined) return [];
  const address = formatAddress(admin.listen);
  const taken = listeners.find((listener) => isSameSocket(listener.listen, admin.listen));
  const message = `\`${address}\` is taken by the listener \`${taken?.name}\``;
  const collision =
    taken === undefined ? [] : [conflict(message, 'give the admin API its own address', ['admin', 'listen'])];
  const probes = probeCollisions(listeners, admin);
  const exposed = inbound.flatMap(({ forward }, at) => {
    if (!isSameSocket(forward, admin.listen)) return [];
    const fault = `\`${address}\` is the admin API, which is never reachable through a listener`;
    return [conflict(fault, 'forward to the port that the workload listens on', ['inbound', at, 'forward'])];
  });
  return [...collision, ...probes, ...exposed];
}

function probeCollisions(listeners: readonly PlacedListener[], { listen, probes }: AdminConfig): Conflict[] {
  if (probes === undefined) return [];
  const taken = listeners.find((listener) => isSameSocket(listener.listen, probes));
  const holder = isSameSocket(listen, probes) ? '`admin.listen`' : taken && `the listener \`${taken.name}\``;
  if (holder === undefined) return [];
  const message = `\`${formatAddress(probes)}\` is taken by ${holder}`;
  return [conflict(message, 'give the probes their own address', ['admin', 'probes'])];
}

/** Warns of a route behind an earlier one that matches all it could match. */
function deadRoutes(routes: readonly RouteOptions[], path: DataPath): Conflict[] {
  return routes.flatMap((route, at) => {
    const first = routes.findIndex((earlier, index) => index < at && covers(earlier.match, route.match));
    if (first < 0) return [];
    const message = `this route never matches: \`routes[${first}]\` matches everything that it could`;
    const mend = 'move the narrower route up, or take it out';
    return [{ ...conflict(message, mend, [...path, at]), severity: 'warning' as const }];
  });
}

/** True where whatever `narrow` matches is matched by `wide` already. Says false where it cannot tell. */
function covers(wide: RouteOptions['match'], narrow: RouteOptions['match']): boolean {
  const methods = wide.method === undefined || (narrow.method?.every((each) => wide.method?.includes(each)) ?? false);
  const host = wide.host === undefined || wide.host === narrow.host;
  const headers = Object.entries(wide.header ?? {}).every(([name, value]) => narrow.header?.[name] === value);
  return methods && host && headers && (wide.path === undefined || coversPath(wide.path, narrow.path));
}

function coversPath(wide: string, narrow: string | undefined): boolean {
  if (narrow === undefined) return false;
  const [left, right] = [wide.split('/'), narrow.split('/')];
  for (const [at, segment] of left.entries()) {
    const other = right[at];
    if (other === undefined) return false;
    // `{rest...}` wants at least one non-empty segment, which any segment of a template but an empty one is.
    if (segment.endsWith('...}')) return other !== '';
    if (other.endsWith('...}')) return false;
    const isCapture = segment.startsWith('{');
    if (isCapture ? other === '' : segment !== other) return false;
  }
  return left.length === right.length;
}

function devCaInProduction(identity: IdentityConfig | undefined, env: Environment): Conflict[] {
  if (identity?.source !== 'dev-ca' || env['NODE_ENV'] !== 'production') return [];
  const message = 'the embedded CA is for demos and tests, and NODE_ENV is `production`';
  const mend = 'use `source: files`';
  return [{ ...conflict(message, mend, ['identity', 'source']), code: 'ERR_CONFIG_UNSAFE' }];
}
