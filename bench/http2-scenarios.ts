// HTTP/2 on both sides: by ALPN over mutual TLS, and without TLS to the workload.

import { setTimeout as pause } from 'node:timers/promises';
import type { StreamsJob, TransferJob } from './load/load-job.ts';
import { runLoad } from './load-run.ts';
import type { Scenario, ScenarioName } from './scenarios.ts';

const mebibyte = 1024 * 1024;
const connectionCount = 1000;

function streamsScenario(name: ScenarioName, of: Pick<StreamsJob, 'streamCount' | 'request'>): Scenario {
  const what = of.request === 'call' ? 'unary calls of gRPC' : 'small GET';
  return {
    name,
    title: `HTTP/2, ${what}, 4 connections with ${of.streamCount} in flight on each: CPU time a request`,
    rounds: 5,
    fresh: false,
    direct: false,
    protocol: 'http2',
    headline: 'cpuUsPerRequest',
    measure: async ({ target, pids }, stage) => {
      const size = { connectionCount: 4, warmupCount: 4000, requestCount: 15_000 };
      const result = await runLoad({ kind: 'streams', target, pids: pids(), ...of, ...size }, stage.cores.load);
      return {
        cpuUsPerRequest: result.cpuUsPerRequest,
        requestsPerS: result.requestCount / result.seconds,
        stolenShare: result.stolenShare,
      };
    },
  };
}

function bulkScenario(direction: TransferJob['direction']): Scenario {
  return {
    name: `http2-${direction}`,
    title: `HTTP/2, 256 MiB ${direction} over one stream: bytes for a second of CPU time, and memory meanwhile`,
    rounds: 3,
    fresh: false,
    direct: false,
    protocol: 'http2',
    headline: 'mbPerCpuSecond',
    measure: async ({ target, pids }, stage) => {
      const job = { direction, warmupBytes: 32 * mebibyte, bytes: 256 * mebibyte, http2: true } as const;
      const result = await runLoad({ kind: 'transfer', target, pids: pids(), ...job }, stage.cores.load);
      return {
        mbPerCpuSecond: result.mbPerCpuSecond,
        seconds: result.seconds,
        residentGrowthMb: (result.residentPeak - result.residentBefore) / 1e6,
        stolenShare: result.stolenShare,
      };
    },
  };
}

const memoryScenario: Scenario = {
  name: 'http2-memory',
  title:
    'HTTP/2, resident memory: idle, with 1,000 used connections as the load ends and 10 s later, 15 s after they closed',
  rounds: 1,
  fresh: true,
  direct: false,
  protocol: 'http2',
  headline: 'kbPerConnection',
  measure: async ({ target, pids }, stage) => {
    // What has just started is not idle yet; some give back what their start left.
    await pause(5000);
    const job = {
      kind: 'hold',
      http2: true,
      connectionCount,
      requestsEach: 10,
      restMs: 10_000,
      settleMs: 15_000,
    } as const;
    const { idle, loaded, held, closed } = await runLoad({ ...job, target, pids: pids() }, stage.cores.load);
    const kbPerConnection = (held - idle) / 1000 / connectionCount;
    return {
      kbPerConnection,
      loadedMb: loaded / 1e6,
      heldMb: held / 1e6,
      closedMb: closed / 1e6,
      keptMb: (closed - idle) / 1e6,
    };
  },
};

export const http2Scenarios: readonly Scenario[] = [
  streamsScenario('http2-1-stream', { streamCount: 1, request: 'get' }),
  streamsScenario('http2-8-streams', { streamCount: 8, request: 'get' }),
  streamsScenario('http2-32-streams', { streamCount: 32, request: 'get' }),
  streamsScenario('grpc', { streamCount: 8, request: 'call' }),
  bulkScenario('download'),
  bulkScenario('upload'),
  memoryScenario,
];
