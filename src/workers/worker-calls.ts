// What a supervisor may ask of a worker, and what crosses between them. Everything here is data that a structured clone
// can carry; it goes over the IPC channel of one parent and its own children and over nothing else.

import type { DecisionFilter, JournalRecord } from '../admin/recent-decisions.ts';
import type { Awaitable, DecisionSource, HealthCheck, PolicyView } from '../admin/views.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import type { PosternError } from '../errors.ts';
import type { IdentityView } from '../identity/identity-view.ts';
import type { SidecarEnvironment } from '../runtime/sidecar-parts.ts';
import type { MetricData } from '../telemetry/metric-data.ts';
import type { LogLevel } from '../telemetry/operational-log.ts';

/** What a worker begins with. */
export interface WorkerOrder {
  readonly config: PosternConfig;
  readonly environment: Omit<SidecarEnvironment, 'readConfig'>;
}

/** Metrics of one worker, and how often each rule in force matched, in the order of the policies. */
export interface WorkerFigures {
  readonly metrics: MetricData;
  readonly hits: readonly number[];
}

/** One decision as it is kept, with its outcome. */
export interface KeptDecision {
  readonly record: JournalRecord;
  readonly outcome: JournalRecord | null;
}

/** Each call has one argument and one answer; a fault is told as its code. */
export interface WorkerCalls {
  /** Builds everything but the listeners; answers with the digest of its policies. */
  build(order: WorkerOrder): Promise<string>;
  /** Binds the listeners. */
  open(): Promise<void>;
  /** Reads and checks all that a next configuration names; answers with the digest of its policies. */
  prepare(config: PosternConfig): Promise<string>;
  /** Puts what was prepared in force. */
  commit(): Promise<void>;
  discard(): void;
  /** Reads the identity again. */
  refresh(): Promise<void>;
  health(): Awaitable<readonly HealthCheck[]>;
  figures(): Promise<WorkerFigures>;
  identity(): Awaitable<IdentityView | null>;
  policy(): Awaitable<PolicyView>;
  explain(request: unknown): unknown;
  explainRecord(record: JournalRecord): unknown;
  decisions(filter: DecisionFilter): Awaitable<readonly JournalRecord[]>;
  decision(id: string): Awaitable<KeptDecision | null>;
  kept(): DecisionSource['kept'];
  setLogLevel(level: LogLevel): void;
  /** Drains for so many milliseconds and ends; true when every request could end. */
  stop(drainMs: number): Promise<boolean>;
  /** Cuts a drain short. */
  hurry(): void;
}

export type CallName = keyof WorkerCalls;
export type CallArgument<K extends CallName> = Parameters<WorkerCalls[K]>[0];
export type CallAnswer<K extends CallName> = Awaited<ReturnType<WorkerCalls[K]>>;

/** A call on its way. */
export interface CallMessage {
  readonly id: number;
  readonly name: CallName;
  readonly argument: unknown;
}

/** Its answer. */
export type AnswerMessage =
  | { readonly id: number; readonly kind: 'answer'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'fault'; readonly fault: FaultData };

/** A PosternError as data. */
export type FaultData = Pick<PosternError, 'code' | 'message' | 'mend' | 'findings' | 'position'>;
