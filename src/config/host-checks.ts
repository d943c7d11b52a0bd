// `outbound[].hosts`: each name leads to one listener, and a proxy needs some that lead anywhere.

import type { OutboundOptions } from '../proxy/outbound-options.ts';
import { type Conflict, conflict } from './conflict.ts';

export function hostConflicts(outbound: readonly OutboundOptions[]): Conflict[] {
  const named = outbound.flatMap(({ name, hosts }, at) => hosts.map((host, hostAt) => ({ name, host, at, hostAt })));
  const twice = named.flatMap(({ host, at, hostAt }, place) => {
    const first = named.findIndex((other) => other.host === host);
    if (first === place) return [];
    const message = `the host \`${host}\` leads to the listener \`${named[first]!.name}\` already`;
    return [conflict(message, 'name each host once', ['outbound', at, 'hosts', hostAt])];
  });
  const lost = outbound.flatMap(({ kind }, at) => {
    if (kind !== 'proxy' || named.length > 0) return [];
    const mend = 'give the outbound listeners that it may reach `hosts: [NAME]`';
    return [conflict('nobody can be reached through this proxy', mend, ['outbound', at, 'protocol'])];
  });
  return [...twice, ...lost];
}
