// What a port that several processes share cannot be, and what several processes cannot share.

import { formatAddress } from '../lib/socket-address.ts';
import type { InboundOptions, ListenerOptions } from '../proxy/inbound-options.ts';
import type { OutboundOptions } from '../proxy/outbound-options.ts';
import type { AuditConfig } from './audit-section.ts';
import type { DataPath } from './config-source.ts';
import { type Conflict, conflict } from './conflict.ts';

/** The sections that parsed; the others are undefined. */
export interface SharingSections {
  readonly inbound?: readonly InboundOptions[] | undefined;
  readonly outbound?: readonly OutboundOptions[] | undefined;
  readonly audit?: AuditConfig | undefined;
  readonly workers?: number | 'auto' | undefined;
}

export function sharingConflicts({ inbound = [], outbound = [], audit, workers = 1 }: SharingSections): Conflict[] {
  return [
    ...inbound.flatMap((listener, at) => sharedSocketFile(listener, at)),
    ...(workers === 1 ? [] : inbound.flatMap((listener, at) => cannotHaveWorkers(listener, ['inbound', at]))),
    ...(workers === 1 ? [] : outbound.flatMap((listener, at) => cannotHaveWorkers(listener, ['outbound', at]))),
    ...(workers === 1 || audit === undefined ? [] : sharedRecord(audit)),
  ];
}

function sharedSocketFile({ listen, reusePort }: InboundOptions, at: number): Conflict[] {
  if (!reusePort || listen.kind === 'tcp') return [];
  const message = `\`${formatAddress(listen)}\` is a file, which one process holds`;
  return [conflict(message, 'listen on a TCP port, or take `reuse_port` out', ['inbound', at, 'reuse_port'])];
}

function cannotHaveWorkers({ listen }: ListenerOptions, row: DataPath): Conflict[] {
  const place = [...row, 'listen'];
  if (listen.kind === 'unix') {
    const message = `\`${formatAddress(listen)}\` is a file, which several workers cannot share`;
    return [conflict(message, 'listen on a TCP port, or write `workers: 1`', place)];
  }
  if (listen.port !== 0) return [];
  return [conflict('each worker would get a free port of its own', 'write a port, or `workers: 1`', place)];
}

/** A pipe keeps lines of several writers whole only up to 4 KiB (pipe(7), PIPE_BUF); a record may be longer. */
function sharedRecord({ dir }: AuditConfig): Conflict[] {
  if (dir !== null) return [];
  const message = 'standard output as the only record cannot be shared by several workers';
  return [conflict(message, 'give a journal, or write `workers: 1`', ['audit', 'journal'])];
}
