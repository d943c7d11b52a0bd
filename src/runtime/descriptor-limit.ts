// How many descriptors this process may hold (RLIMIT_NOFILE). Node raises the soft limit to the hard one as it starts.

import { readFileSync } from 'node:fs';
import { type DescriptorRoom, descriptorsFor } from '../proxy/descriptor-room.ts';
import type { ListenerOptions } from '../proxy/inbound-options.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';

/** The soft limit; `Infinity` where there is none, and where the system does not say. */
export function readDescriptorLimit(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return limit === null ? Number.POSITIVE_INFINITY : Number(limit[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Says it at the start where `limits.connections` promise more than descriptors can hold. */
export function warnOfDescriptors(
  log: OperationalLog,
  room: DescriptorRoom,
  limits: { readonly descriptors: number; readonly listeners: readonly ListenerOptions[] },
): void {
  const allowed = limits.listeners.reduce((sum, listener) => sum + listener.limits.connections, 0);
  if (allowed <= room.mostPeers) return;
  log.warn('descriptors suffice for fewer connections than the limits allow', {
    descriptors: limits.descriptors,
    connections: room.mostPeers,
    allowed,
    mend: `raise the limit of open files to ${descriptorsFor(allowed)} (LimitNOFILE= of systemd, ulimit -n), or lower \`limits.connections\``,
  });
}
