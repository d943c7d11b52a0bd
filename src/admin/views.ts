// What the admin API shows and does, as functions that the composition root passes in. Everything returned is data that
// JSON can hold; nothing of it may be a secret but what `config` holds, which is masked here.

import type { IdentityView } from '../identity/identity-view.ts';
import type { DecisionFilter, JournalRecord } from './recent-decisions.ts';

/** One condition of being ready. */
export interface HealthCheck {
  /** Short constant word, such as `svid`. */
  readonly name: string;
  readonly ok: boolean;
  /** One line for the operator: what is, or what is wrong. */
  readonly detail: string;
}

/** The policy in force. */
export interface PolicyView {
  /** `sha256:…`; null before a policy was ever loaded. */
  readonly digest: string | null;
  readonly loaded_at: string | null;
  readonly rules: readonly RuleView[];
}

export interface RuleView {
  readonly policy: string;
  readonly rule: string;
  readonly mode: 'enforce' | 'shadow';
  readonly effect: 'allow' | 'deny';
  /** Requests it has matched since it was loaded. */
  readonly hits: number;
}

/** The text of /metrics. */
export interface MetricsView {
  readonly contentType: string;
  readonly text: string;
}

/** What came of a reload that was asked for; a refused one is thrown as PosternError. */
export interface ReloadView {
  readonly result: 'applied' | 'unchanged';
  readonly notes: readonly string[];
}

/** What a workload says of its health. */
export interface WorkloadHealth {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Here, or with another process that is asked. */
export type Awaitable<T> = T | Promise<T>;

/** The last decisions. */
export interface DecisionSource {
  /** Newest first. */
  list(filter: DecisionFilter): Awaitable<readonly JournalRecord[]>;
  /** The decision of that id with its outcome, where it is still there. */
  find(
    decisionId: string,
  ): Awaitable<{ readonly record: JournalRecord; readonly outcome: JournalRecord | null } | null>;
  readonly kept: Awaitable<{ readonly denies: number; readonly allows: number }>;
}

/** What is shown. */
export interface AdminViews {
  readonly version: string;
  health(): Awaitable<readonly HealthCheck[]>;
  metrics(): Promise<MetricsView>;
  /** The configuration in force, as data. */
  config(): unknown;
  /** Values that must not be shown wherever they stand in the configuration: what came out of `${VAR}`. */
  configSecrets(): ReadonlySet<string>;
  identity(): Awaitable<IdentityView | null>;
  policy(): Awaitable<PolicyView>;
  /** One decision, all the way. @throws PosternError ERR_POLICY_REQUEST for a request that is not valid */
  explain(request: unknown): unknown;
  /** The explanation of a recorded decision under the policy in force; null where it cannot be judged again. */
  explainRecord(record: Readonly<Record<string, unknown>>): unknown;
  readonly decisions: DecisionSource;
}

/** What can be done. */
export interface AdminControls {
  reload(): Promise<ReloadView>;
  drain(): void;
  quit(): void;
  logLevel(): string;
  /** @throws TypeError for a word that is no level */
  setLogLevel(level: string): void;
}

/** Health paths of the workload that are passed on (`health_passthrough`). */
export interface WorkloadHealthPaths {
  /** Changes with the configuration. */
  paths(): readonly string[];
  /** Asks the workload; rejects when it cannot be asked. */
  ask(path: string): Promise<WorkloadHealth>;
}
