// What only a start can set. A reload that would change any of it is refused whole, rather than taken over in part.

import type { PosternConfig } from '../config/postern-config.ts';
import { PosternError } from '../errors.ts';
import { formatAddress } from '../lib/socket-address.ts';
import type { ListenerOptions } from '../proxy/inbound-options.ts';

const fixedParts: readonly (readonly [name: string, part: (config: PosternConfig) => unknown])[] = [
  ['identity', (config) => config.identity],
  ['audit.journal', ({ audit: { redactHeaders: _, outcomes: __, ...rest } }) => rest],
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
  ];
}

const keptKeys = Object.freeze({ reusePort: 'reuse_port', socketMode: 'socket_mode', protocol: 'protocol' } as const);

function changedKeys(
  section: string,
  current: readonly ListenerOptions[],
  next: readonly ListenerOptions[],
): readonly string[] {
  return next.flatMap((one) => {
    const before = current.find(({ name }) => name === one.name);
    if (before === undefined || formatAddress(before.listen) !== formatAddress(one.listen)) return [];
    const changed = (Object.keys(keptKeys) as (keyof typeof keptKeys)[]).filter((key) => before[key] !== one[key]);
    return changed.map((key) => `${section} ${one.name}.${keptKeys[key]}`);
  });
}
