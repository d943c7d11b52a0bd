// Many connections at once: what they cost in memory, and what of it is given back when they have gone.

import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from '../cpu-time.ts';
import { exchange } from './closed-loop.ts';
import type { HoldJob, HoldResult } from './load-job.ts';
import { createDialer, type RawConnection } from './raw-connection.ts';

export async function runHold(job: HoldJob): Promise<HoldResult> {
  const idle = residentBytes(job.pids);
  const dialer = createDialer(job.target);
  const connections: RawConnection[] = [];
  while (connections.length < job.connectionCount) connections.push(await dialer.open(4096));
  await exchange(connections, job.connectionCount * job.requestsEach);
  const loaded = residentBytes(job.pids);
  await pause(job.restMs);
  const held = residentBytes(job.pids);
  for (const connection of connections) connection.close();
  await pause(job.settleMs);
  return { idle, loaded, held, closed: residentBytes(job.pids) };
}
