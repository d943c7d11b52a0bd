// What only a start can set. A reload that would change any of it is refused whole, rather than taken over in part.

import type { PosternConfig } from '../config/postern-config.ts';
import { PosternError } from '../errors.ts';
import { formatAddress } from '../lib/socket-address.ts';

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

/** A listener that stays on its address keeps its socket, and with it whether others may share the port. */
function changedSharing(current: PosternConfig, next: PosternConfig): readonly string[] {
  const kept = next.inbound.filter(({ name, listen, reusePort }) => {
    const before = current.inbound.find((one) => one.name === name);
    const isSameSocket = before !== undefined && formatAddress(before.listen) === formatAddress(listen);
    return isSameSocket && before.reusePort !== reusePort;
  });
  return kept.map(({ name }) => `inbound ${name}.reuse_port`);
}
