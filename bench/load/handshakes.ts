// One request a connection, nothing resumed: what a full mutual handshake costs the proxy.

import { exchange } from './closed-loop.ts';
import type { HandshakeJob, LoopResult } from './load-job.ts';
import { readEdge, spanSince } from './observer.ts';
import { createDialer, type Dialer } from './raw-connection.ts';

export async function runHandshakes(job: HandshakeJob): Promise<LoopResult> {
  const dialer = createDialer(job.target);
  await callers(dialer, job.concurrency, job.warmupCount);
  const before = readEdge(job.pids);
  await callers(dialer, job.concurrency, job.requestCount);
  const span = spanSince(before, job.pids);
  return {
    requestCount: job.requestCount,
    seconds: span.seconds,
    cpuUsPerRequest: span.cpuUs / job.requestCount,
    stolenShare: span.stolenShare,
  };
}

async function callers(dialer: Dialer, concurrency: number, requestCount: number): Promise<void> {
  let started = 0;
  const caller = async (): Promise<void> => {
    while (started < requestCount) {
      started += 1;
      const connection = await dialer.open();
      await exchange([connection], 1);
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
}
