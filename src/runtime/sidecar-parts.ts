// What a running sidecar is made of, for the parts that report on it and steer it. Types only.

import type { RecentDecisions } from '../admin/recent-decisions.ts';
import type { RecorderHandle } from '../audit/recorder.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import type { ReadAttributes } from '../identity/attributes.ts';
import type { Registry } from '../identity/registry-file.ts';
import type { Revocations } from '../identity/revocations-source.ts';
import type { IdentitySource } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import type { TimerWheel } from '../lib/timer-wheel.ts';
import type { ProxyMetrics } from '../telemetry/metrics.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import type { Journal } from './journal-runtime.ts';
import type { ListenerSet } from './listener-set.ts';
import type { OutboundSet } from './outbound-set.ts';
import type { PolicyRuntime } from './policy-runtime.ts';
import type { Reloader } from './reloader.ts';
import type { Shipping } from './shipping-runtime.ts';
import type { TokenRuntime } from './token-runtime.ts';

/** What surrounds a sidecar. */
export interface SidecarEnvironment {
  readonly version: string;
  /** True where NODE_ENV is `production`: the development CA refuses to work. */
  readonly isProduction: boolean;
  /** Names of node and pod for the records, from the environment. */
  readonly node: string | null;
  readonly pod: string | null;
  readonly logFd: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Which of several workers this is; undefined where the process serves alone. */
  readonly worker?: number;
  /** File that the thread runs which ships records; needed where there are sinks. */
  readonly shipEntry?: string;
  /** Reads the configuration again, for a reload. @throws PosternError */
  readonly readConfig: () => Promise<PosternConfig>;
}

/** Everything a running sidecar is made of, for the parts that report on it. */
export interface SidecarParts {
  readonly environment: SidecarEnvironment;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: OperationalLog;
  readonly metrics: ProxyMetrics;
  readonly identity: IdentitySource;
  readonly revocations: Revocations;
  readonly registry: Registry;
  /** What is said of an identity now. */
  readonly attributes: Latest<ReadAttributes>;
  readonly policy: PolicyRuntime;
  readonly journal: Journal;
  readonly recorder: RecorderHandle;
  /** Null where this process ships nothing. */
  readonly shipping: Shipping | null;
  readonly recent: RecentDecisions;
  readonly listeners: ListenerSet;
  readonly outbound: OutboundSet;
  readonly reloader: Reloader;
  /** Null where no tokens are configured. */
  readonly tokens: TokenRuntime | null;
  readonly identityCounts: { rotations: number; refused: number };
}

export type SidecarPhase = 'starting' | 'running' | 'draining' | 'stopped';

/** The sidecar as the admin API sees and steers it. */
export interface RunningSidecar {
  readonly parts: SidecarParts;
  readonly phase: SidecarPhase;
  /** Reads configuration, policies and identity again. @throws PosternError; then the old ones go on */
  reload(): Promise<void>;
  /** Ends in order; true when every request could end. */
  stop(drainMs: number, signal: AbortSignal): Promise<boolean>;
}
