// An open loop: request number n is due at start + n / rate whether or not earlier ones were answered. Its latency counts
// from that moment, so a proxy that stalls cannot hide the requests that it kept from being sent (coordinated omission).

import { Worker } from 'node:worker_threads';
import { build, type Histogram } from 'hdr-histogram-js';
import type { ConstantRateJob, RateResult } from './load-job.ts';
import { readEdge, spanSince } from './observer.ts';
import { createDialer, type RawConnection } from './raw-connection.ts';
import { smallGet } from './requests.ts';

export async function runConstantRate(job: ConstantRateJob): Promise<RateResult> {
  const dialer = createDialer(job.target);
  const connections: RawConnection[] = [];
  while (connections.length < job.connectionCount) connections.push(await dialer.open());
  const pacer = new Worker(new URL('./pacer.ts', import.meta.url), { workerData: 1000 / job.ratePerS });
  try {
    await paced({ connections, pacer, ratePerS: job.ratePerS, durationMs: job.warmupMs });
    const before = readEdge(job.pids);
    const latencies = await paced({ connections, pacer, ratePerS: job.ratePerS, durationMs: job.measureMs });
    const span = spanSince(before, job.pids);
    return summarize(latencies, span);
  } finally {
    await pacer.terminate();
    for (const connection of connections) connection.close();
  }
}

/** What one stretch at a steady rate needs. */
interface Pace {
  readonly connections: readonly RawConnection[];
  readonly pacer: Worker;
  readonly ratePerS: number;
  readonly durationMs: number;
}

/** Resolves to the latencies of all requests, microseconds. */
function paced(pace: Pace): Promise<Histogram> {
  const total = Math.round((pace.ratePerS * pace.durationMs) / 1000);
  const latencies = microsecondHistogram();
  const startMs = performance.now();
  const dueMs = (number: number): number => startMs + (number * 1000) / pace.ratePerS;
  const idle = [...pace.connections];
  let sent = 0;
  let answered = 0;
  return new Promise((resolve, reject) => {
    const sendDue = (): void => {
      const now = performance.now();
      while (sent < total && idle.length > 0 && dueMs(sent) <= now) dispatch(idle.shift()!, sent++);
    };
    const dispatch = (connection: RawConnection, number: number): void => {
      connection.onAnswer = () => {
        latencies.recordValue(Math.max(1, Math.round((performance.now() - dueMs(number)) * 1000)));
        answered++;
        idle.push(connection);
        if (answered < total) return sendDue();
        pace.pacer.off('message', sendDue);
        resolve(latencies);
      };
      connection.send(smallGet);
    };
    for (const connection of pace.connections) connection.onFailure = reject;
    pace.pacer.on('error', reject);
    pace.pacer.on('message', sendDue);
  });
}

/** From a microsecond to a minute, three digits exact. */
function microsecondHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
}

function summarize(latencies: Histogram, span: ReturnType<typeof spanSince>): RateResult {
  const ms = (percent: number): number => latencies.getValueAtPercentile(percent) / 1000;
  const requestCount = latencies.totalCount;
  return {
    requestCount,
    seconds: span.seconds,
    ratePerS: requestCount / span.seconds,
    cpuUsPerRequest: span.cpuUs / requestCount,
    stolenShare: span.stolenShare,
    p50Ms: ms(50),
    p90Ms: ms(90),
    p95Ms: ms(95),
    p99Ms: ms(99),
    p995Ms: ms(99.5),
    p999Ms: ms(99.9),
    maxMs: latencies.maxValue / 1000,
  };
}
