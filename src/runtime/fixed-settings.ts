// What only a start can set. A reload that would change any of it is refused whole, rather than taken over in part.

import type { PosternConfig } from '../config/postern-config.ts';
import { PosternError } from '../errors.ts';
import { formatAddress } from '../lib/socket-address.ts';
import type { ListenerOptions } from '../proxy/inbound-options.ts';

const fixedParts: readonly (readonly [name: string, part: (config: PosternConfig) => unknown])[] = [
  ['identity', (config) => config.identity],
  ['audit.journal', ({ audit: { redactHeaders: _, outcomes: __, sinks: ___, ...rest } }) => rest],
  ['audit.sinks', (config) => config.audit.sinks],
  ['audit.outcomes', (config) => config.audit.outcomes],
  ['admin', (config) => config.admin],
  ['workers', (config) => config.workers],

  ['policy.plan_cache', (config) => config.policy.planCacheEntries],
  ['policy.internal_networks', (config) => config.policy.internalNetworks],
];

/** @throws PosternError ERR_CONFIG_FIXED naming what needs a restart */
export function refuseFixed(current: PosternConfig, next: PosternConfig): void {
  const parts = fixedParts.filter(([, part]) => JSON.stringify(part(current)) !== JSON.stringify(part(next)));
  const changed = [...parts.map(([name]) => name), ...changedSharing(current, next)];
  if (changed.length === 0) return;
  const names = changed.map((name) => `\`${name}\``).join(', ');
  throw new PosternError('ERR_CONFIG_FIXED', `a reload cannot change ${names}`);
}

/** A listener that stays on its address keeps its socket and its connections, and with them what cannot change of those. */
function changedSharing(current: PosternConfig, next: PosternConfig): readonly string[] {
  return [
    ...changedKeys('inbound', current.inbound, next.inbound),
    ...changedKeys('outbound', current.outbound, next.outbound),
    ...changedDirections('inbound', current.outbound, next.inbound),
    ...changedDirections('outbound', current.inbound, next.outbound),
  ];
}

const socketKeys = Object.freeze({ reusePort: 'reuse_port', socketMode: 'socket_mode' } as const);

function changedKeys(
  section: string,
  current: readonly ListenerOptions[],
  next: readonly ListenerOptions[],
): readonly string[] {
  return next.flatMap((one) => {
    const before = heldBy(current, one);
    if (before === undefined) return [];
    const changed = (Object.keys(socketKeys) as (keyof typeof socketKeys)[]).filter((key) => before[key] !== one[key]);
    // Under another name it is another listener, and the connections end with the one that they came to.
    const protocol = before.name === one.name && before.protocol !== one.protocol ? ['protocol'] : [];
    return [...changed.map((key) => socketKeys[key]), ...protocol].map((key) => `${section} ${one.name}.${key}`);
  });
}

/** The socket would have to be closed by one direction before the other could bind it. */
function changedDirections(
  section: string,
  others: readonly ListenerOptions[],
  next: readonly ListenerOptions[],
): readonly string[] {
  const taken = next.filter((one) => heldBy(others, one) !== undefined);
  return taken.map(
    ({ name, listen }) => `${section} ${name}.listen (${formatAddress(listen)} was of the other direction)`,
  );
}

/** Who has the address of `one`; a port of 0 is another for each. */
function heldBy(all: readonly ListenerOptions[], { listen, name }: ListenerOptions): ListenerOptions | undefined {
  const there = all.filter((one) => formatAddress(one.listen) === formatAddress(listen));
  return listen.kind === 'tcp' && listen.port === 0 ? there.find((one) => one.name === name) : there[0];
}
