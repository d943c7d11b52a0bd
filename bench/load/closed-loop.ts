// N connections, each with one request in flight at all times: the proxy's core is kept busy, and what counts is the CPU
// time that a request costs it.

import type { ClosedLoopJob, LoopResult } from './load-job.ts';
import { readEdge, spanSince } from './observer.ts';
import { createDialer, type RawConnection } from './raw-connection.ts';
import { smallGet } from './requests.ts';

export async function runClosedLoop(job: ClosedLoopJob): Promise<LoopResult> {
  const dialer = createDialer(job.target);
  const connections: RawConnection[] = [];
  while (connections.length < job.connectionCount) connections.push(await dialer.open());
  await exchange(connections, job.warmupCount);
  const before = readEdge(job.pids);
  await exchange(connections, job.requestCount);
  const span = spanSince(before, job.pids);
  for (const connection of connections) connection.close();
  return {
    requestCount: job.requestCount,
    seconds: span.seconds,
    cpuUsPerRequest: span.cpuUs / job.requestCount,
    stolenShare: span.stolenShare,
  };
}

/** Sends `requestCount` small GETs over all connections together; resolves when the last one is answered. */
export function exchange(connections: readonly RawConnection[], requestCount: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (requestCount === 0) return resolve();
    let sent = 0;
    let answered = 0;
    const sendOn = (connection: RawConnection): void => {
      if (sent >= requestCount) return;
      sent += 1;
      connection.send(smallGet);
    };
    for (const connection of connections) {
      connection.onFailure = reject;
      connection.onAnswer = () => {
        answered += 1;
        if (answered === requestCount) resolve();
        else sendOn(connection);
      };
      sendOn(connection);
    }
  });
}
