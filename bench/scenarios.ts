// What is measured. A scenario yields named figures for one proxy; the run repeats it round by round over all proxies.

import { setTimeout as pause } from 'node:timers/promises';
import { attackScenario } from './attack-scenario.ts';
import { residentBytes } from './cpu-time.ts';
import { http2Scenarios } from './http2-scenarios.ts';
import type { Contestant, Stage } from './lineup.ts';
import type { Target, TransferJob } from './load/load-job.ts';
import { runLoad } from './load-run.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

export type ScenarioName =
  | 'attack'
  | 'keep-alive'
  | 'constant-rate'
  | 'download'
  | 'upload'
  | 'relay-download'
  | 'relay-upload'
  | 'large-download'
  | 'large-upload'
  | 'http2-1-stream'
  | 'http2-8-streams'
  | 'http2-32-streams'
  | 'grpc'
  | 'http2-download'
  | 'http2-upload'
  | 'http2-memory'
  | 'handshake'
  | 'memory'
  | 'start';

/** Figures of one sample, by metric. Units stand in the names; `Mb` is 10^6 bytes. */
export type Sample = Readonly<Record<string, number>>;

/** Who is measured: a contestant, or the direct call, which has no process. */
export type Measured =
  | Pick<Contestant, 'target' | 'pids' | 'readyMs'>
  | { readonly target: Target; readonly pids: () => number[] };

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** How often each proxy is measured unless the command line says otherwise. */
  readonly rounds: number;
  /** True when each sample needs a process that has done nothing yet. */
  readonly fresh: boolean;
  /** True when the call without a proxy is measured beside. */
  readonly direct: boolean;
  /** What proxies are started for; left out: `http`. */
  readonly protocol?: 'tcp' | 'http2';
  /** The figure that the table shows first. */
  readonly headline: string;
  /** `onStep` hears what is done of a sample that takes long. */
  measure(measured: Measured, stage: Stage, onStep: (step: string) => void): Promise<Sample>;
}

/** How much of a load to send; the guard sends less than the bench. */
export interface KeepAliveSize {
  readonly warmupCount: number;
  readonly requestCount: number;
  readonly rounds: number;
}

export function keepAliveScenario({ rounds, ...size }: KeepAliveSize): Scenario {
  return {
    name: 'keep-alive',
    title: 'small GET, 32 kept connections, closed loop: CPU time a request',
    rounds,
    fresh: false,
    direct: false,
    headline: 'cpuUsPerRequest',
    measure: async ({ target, pids }, stage) => {
      const job = { kind: 'closed-loop', target, pids: pids(), connectionCount: 32, ...size } as const;
      const result = await runLoad(job, stage.cores.load);
      return {
        cpuUsPerRequest: result.cpuUsPerRequest,
        requestsPerS: result.requestCount / result.seconds,
        residentMb: residentBytes(pids()) / 1e6,
        stolenShare: result.stolenShare,
      };
    },
  };
}

export interface ConstantRateSize {
  readonly warmupMs: number;
  readonly measureMs: number;
  readonly rounds: number;
}

export function constantRateScenario({ rounds, ...size }: ConstantRateSize): Scenario {
  return {
    name: 'constant-rate',
    title: 'small GET, 2,000 requests a second, open loop: latency from the time a request was due',
    rounds,
    fresh: false,
    direct: true,
    headline: 'p99Ms',
    measure: async ({ target, pids }, stage) => {
      const job = {
        kind: 'constant-rate',
        target,
        pids: pids(),
        connectionCount: 32,
        ratePerS: 2000,
        ...size,
      } as const;
      const result = await runLoad(job, stage.cores.load);
      const { requestCount: _, seconds: __, maxMs: ___, ...figures } = result;
      return figures;
    },
  };
}

export const scenarios: readonly Scenario[] = [
  keepAliveScenario({ warmupCount: 6000, requestCount: 15_000, rounds: 9 }),
  constantRateScenario({ warmupMs: 300, measureMs: 2000, rounds: 11 }),
  transferScenario('download'),
  transferScenario('upload'),
  relayScenario('download'),
  relayScenario('upload'),
  ...http2Scenarios,
  {
    name: 'handshake',
    title: 'one request a connection, nothing resumed: CPU time a connection',
    rounds: 5,
    fresh: false,
    direct: false,
    headline: 'cpuUsPerConnection',
    measure: async ({ target, pids }, stage) => {
      const job = { concurrency: 4, warmupCount: 100, requestCount: 1000 };
      const result = await runLoad({ kind: 'handshake', target, pids: pids(), ...job }, stage.cores.load);
      return {
        cpuUsPerConnection: result.cpuUsPerRequest,
        connectionsPerS: result.requestCount / result.seconds,
        stolenShare: result.stolenShare,
      };
    },
  },
  {
    name: 'memory',
    title: 'resident memory: idle, with 1,000 used connections as the load ends and 10 s later, 15 s after they closed',
    rounds: 1,
    fresh: true,
    direct: false,
    headline: 'heldMb',
    measure: async ({ target, pids }, stage) => {
      // What has just started is not idle yet; some give back what their start left.
      await pause(5000);
      const job = { connectionCount: 1000, requestsEach: 20, restMs: 10_000, settleMs: 15_000 };
      const { idle, loaded, held, closed } = await runLoad(
        { kind: 'hold', target, pids: pids(), ...job },
        stage.cores.load,
      );
      return {
        idleMb: idle / 1e6,
        loadedMb: loaded / 1e6,
        heldMb: held / 1e6,
        closedMb: closed / 1e6,
        keptMb: (closed - idle) / 1e6,
      };
    },
  },
  {
    name: 'start',
    title: 'from the start of the process to its first answered request',
    rounds: 7,
    fresh: true,
    direct: false,
    headline: 'readyMs',
    measure: async (measured) => ({ readyMs: 'readyMs' in measured ? measured.readyMs : Number.NaN }),
  },
  attackScenario,
];

/** Minutes each, and no budget of their own: only where `--only` names them. */
export const longScenarios: readonly Scenario[] = [
  { ...transferScenario('download', 10), name: 'large-download', rounds: 1 },
  { ...transferScenario('upload', 10), name: 'large-upload', rounds: 1 },
];

/** The same octets over an opaque connection: mutual TLS on one side, nothing that is read on either. */
function relayScenario(direction: TransferJob['direction']): Scenario {
  const title = `1 GiB ${direction} over one opaque connection (TCP): bytes for a second of CPU time`;
  return { ...transferScenario(direction), name: `relay-${direction}`, title, protocol: 'tcp' };
}

function transferScenario(direction: TransferJob['direction'], gibibytes = 1): Scenario {
  return {
    name: direction,
    title: `${gibibytes} GiB ${direction} over one connection: bytes for a second of CPU time, and memory meanwhile`,
    rounds: 3,
    fresh: false,
    direct: false,
    headline: 'mbPerCpuSecond',
    measure: async ({ target, pids }, stage) => {
      const job = { direction, warmupBytes: 64 * mebibyte, bytes: gibibytes * gibibyte };
      const result = await runLoad({ kind: 'transfer', target, pids: pids(), ...job }, stage.cores.load);
      return {
        mbPerCpuSecond: result.mbPerCpuSecond,
        seconds: result.seconds,
        residentPeakMb: result.residentPeak / 1e6,
        residentGrowthMb: (result.residentPeak - result.residentBefore) / 1e6,
        stolenShare: result.stolenShare,
      };
    },
  };
}
