// What a supervisor is made of, for the parts that report on it. Types only.

import type { PosternConfig } from '../config/postern-config.ts';
import type { SidecarEnvironment, SidecarPhase } from '../runtime/sidecar-parts.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import type { JoinedMetrics } from './joined-metrics.ts';
import type { WorkerFigures } from './worker-calls.ts';
import type { WorkerOutput } from './worker-output.ts';
import type { WorkerSlot } from './worker-slot.ts';

export interface ReloadCounts {
  readonly loadedAtMs: number;
  readonly applied: number;
  readonly refused: number;
  readonly policyRefused: number;
}

/** The supervisor as its admin API sees and steers it. */
export interface RunningSupervisor {
  readonly environment: SidecarEnvironment;
  readonly config: PosternConfig;
  readonly phase: SidecarPhase;
  readonly slots: readonly WorkerSlot[];
  readonly log: OperationalLog;
  readonly output: WorkerOutput;
  readonly metrics: JoinedMetrics;
  /** Figures as each worker gave them last, by number. */
  readonly lastFigures: Map<number, WorkerFigures>;
  readonly counts: ReloadCounts;
  reload(): Promise<void>;
  stop(drainMs: number, signal: AbortSignal): Promise<boolean>;
}
