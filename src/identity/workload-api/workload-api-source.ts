// Identity from a SPIFFE Workload API (identity.source: workload-api), such as SPIRE's agent. X509-SVID, own bundle and
// federated bundles come in one message and so of one moment; that is why FetchX509Bundles is not asked beside it. What
// cannot be used is refused, the last good stays, and when the agent goes away it serves on until the SVID expires.

import { isPosternError, PosternError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { LatestValue } from '../../lib/latest.ts';
import {
  firstSnapshot,
  type IdentityReading,
  type IdentityStep,
  nextStep,
  type Reading,
  readingOf,
} from '../identity-state.ts';
import type { JwtBundles } from '../jwt-bundle.ts';
import {
  type IdentityListeners,
  type IdentitySnapshot,
  type IdentitySource,
  type IdentityStatus,
  rotationDueMs,
} from '../source.ts';
import { agentName, type Caller, type ExplainedFault } from './agent-faults.ts';
import { decodeJwtBundles, decodeX509Update, type X509Update } from './agent-messages.ts';
import { AgentStream, type AgentStreamTimings, agentStreamDefaults, type OpenAgentCall } from './agent-stream.ts';
import { FederatedFiles } from './federated-files.ts';
import { readJwtBundles } from './jwt-reading.ts';
import { OverdueWatch } from './overdue-watch.ts';
import type { SvidChoice } from './svid-choice.ts';
import { readX509Update } from './x509-reading.ts';

export interface WorkloadApiTimings extends AgentStreamTimings {
  /** Time between two looks whether the rotation is overdue, milliseconds. Default 1 s. */
  readonly overduePollMs: number;
  /** Time after which a fault that goes on is told again, milliseconds. Default 60 s. */
  readonly repeatMs: number;
}

export const workloadApiDefaults: WorkloadApiTimings = Object.freeze({
  ...agentStreamDefaults,
  overduePollMs: 1_000,
  repeatMs: 60_000,
});

export interface WorkloadApiOptions extends WorkloadApiTimings, SvidChoice, IdentityListeners {
  /** As written, such as `unix:///run/spire/agent.sock`; for people. */
  readonly endpoint: string;
  readonly caller: Caller;
  readonly open: OpenAgentCall;
  /** Bundles of further trust domains by file; they win over those of the agent. */
  readonly federation: readonly { readonly trustDomain: string; readonly bundleFile: string }[];
  readonly clock: Clock;
  readonly random: () => number;
}

/** A source on its way to its first identity. */
export interface OpeningSource {
  /** Resolves with the first identity that can be used, however long that takes; rejects once it is given up. */
  readonly ready: Promise<IdentitySource>;
  readonly status: IdentityStatus;
  /** Asks the agent now. */
  retry(): void;
  /** Ends the wait: `ready` rejects with the last fault. */
  giveUp(): void;
}

/** Begins to ask the agent. Never throws; faults are told, and are the reason where the wait is given up. */
export function openWorkloadApiSource(options: WorkloadApiOptions): OpeningSource {
  const source = new WorkloadApiSource(options);
  const ready = source.start().then(
    () => source,
    async (error) => {
      await source.close();
      throw error;
    },
  );
  return {
    ready,
    get status() {
      return source.status;
    },
    retry: () => source.retry(),
    giveUp: () => source.giveUp(),
  };
}

type Outcome = { readonly resolve: () => void; readonly reject: (error: unknown) => void };

class WorkloadApiSource implements IdentitySource {
  readonly #options: WorkloadApiOptions;
  readonly #agent: string;
  readonly #x509: AgentStream;
  readonly #jwt: AgentStream;
  readonly #files: FederatedFiles;
  readonly #overdue: OverdueWatch;
  readonly #jwtBundles: LatestValue<JwtBundles>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #told = new Map<string, { readonly message: string; readonly atMs: number }>();
  #value: LatestValue<IdentitySnapshot> | null = null;
  #update: X509Update | null = null;
  #lastUpdateMs = 0;
  #lastFault: PosternError | null = null;
  #waiters: Outcome[] = [];
  #isClosed = false;

  constructor(options: WorkloadApiOptions) {
    const { endpoint, caller, open, clock, random, federation, onListenerError } = options;
    this.#options = options;
    this.#agent = agentName(endpoint);
    this.#jwtBundles = new LatestValue<JwtBundles>(new Map(), onListenerError);
    const shared = { agent: this.#agent, caller, open, clock, random, timings: options };
    this.#x509 = new AgentStream({
      ...shared,
      name: 'x509_svid',
      method: '/SpiffeWorkloadAPI/FetchX509SVID',
      onMessage: (message) => this.#guard(() => this.#take(decodeX509Update(message))),
      onFault: (fault) => this.#onFault(fault),
    });
    this.#jwt = new AgentStream({
      ...shared,
      name: 'jwt_bundles',
      method: '/SpiffeWorkloadAPI/FetchJWTBundles',
      onMessage: (message) => this.#guard(() => this.#takeJwt(message)),
      onFault: (fault) => this.#onJwtFault(fault),
    });
    this.#files = new FederatedFiles(federation, { clock, onListenerError, onChange: () => this.#takeAgain() });
    this.#overdue = new OverdueWatch(options, (error) => {
      this.#tell('overdue', error);
      this.#x509.restart();
    });
  }

  get current(): IdentitySnapshot {
    if (this.#value === null) throw new TypeError('a source that has no identity yet');
    return this.#value.current;
  }

  get jwtBundles(): LatestValue<JwtBundles> {
    return this.#jwtBundles;
  }

  get status(): IdentityStatus {
    return {
      source: 'workload-api',
      endpoint: this.#options.endpoint,
      nextRotationMs: this.#value === null ? null : rotationDueMs(this.#value.current),
      lastUpdateMs: this.#lastUpdateMs,
      streams: [this.#x509.status, this.#jwt.status],
      fault: this.#lastFault,
    };
  }

  subscribe(listener: (next: IdentitySnapshot) => void): () => void {
    if (this.#value === null) throw new TypeError('a source that has no identity yet');
    return this.#value.subscribe(listener);
  }

  /** Opens the streams and waits for the first identity. */
  async start(): Promise<void> {
    // Waited for before the first thing that may fail, so that giving up is never a rejection nobody hears.
    const ready = this.#ready.promise;
    await Promise.all([ready, this.#files.open().then(() => this.#x509.restart())]);
    this.#jwt.restart();
    this.#overdue.start(() => this.current);
  }

  giveUp(): void {
    this.#ready.reject(this.#lastFault ?? this.#nothingCame());
  }

  retry(): void {
    this.#x509.restart();
  }

  refresh(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ resolve, reject });
    this.#x509.restart();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#x509.close();
    this.#jwt.close();
    this.#overdue.close();
    await this.#files.close();
    this.#settle(null);
  }

  #take(update: X509Update): void {
    const { onRefused, onWarning, clock, onListenerError } = this.#options;
    const nowMs = clock.nowMs();
    const agents = readX509Update(update, { ...this.#options, agent: this.#agent, nowMs });
    const reading = { ...agents, federated: new Map([...agents.federated, ...this.#files.read(nowMs)]) };
    this.#update = update;
    const step = this.#value === null ? firstStep(reading, nowMs) : nextStep(this.#value.current, reading, nowMs);
    if (step.refused.length === 0) {
      this.#lastUpdateMs = nowMs;
      this.#told.delete('x509_svid');
      this.#told.delete('overdue');
    }
    if (step.next !== null && this.#value !== null) this.#value.publish(step.next);
    else if (step.next !== null) this.#value = new LatestValue(step.next, onListenerError);
    for (const warning of step.warnings) onWarning(warning);
    for (const error of step.refused) onRefused(error);
    this.#lastFault = step.refused[0] ?? null;
    if (this.#value !== null) this.#ready.resolve();
    this.#settle(step.refused[0] ?? null);
  }

  /** The bundles in files changed: the last message is judged again with them. */
  #takeAgain(): void {
    const update = this.#update;
    if (update !== null && !this.#isClosed) this.#guard(() => this.#take(update));
  }

  #takeJwt(message: Uint8Array): void {
    const { bundles, refused } = readJwtBundles(decodeJwtBundles(message), this.#jwtBundles.current, this.#agent);
    for (const error of refused) this.#options.onRefused(error);
    this.#jwtBundles.publish(bundles);
  }

  /** A message that cannot be used is refused whole; a defect of ours must not end the process. */
  #guard(take: () => void): void {
    try {
      take();
    } catch (error) {
      if (isPosternError(error)) {
        this.#lastFault = error;
        this.#options.onRefused(error);
      } else {
        this.#options.onListenerError(error);
      }
      this.#settle(error);
    }
  }

  #onFault({ error }: ExplainedFault): void {
    this.#tell('x509_svid', error);
    this.#lastFault = error;
    this.#settle(error);
  }

  /** An agent that is away is told by the other stream; one without this profile is told once. */
  #onJwtFault({ fault, error }: ExplainedFault): void {
    const isAway = fault === 'unreachable' || fault === 'unavailable' || fault === 'ended';
    if (!isAway && this.#told.get('jwt_bundles')?.message !== error.message) this.#tell('jwt_bundles', error);
  }

  /** Once, and again when it changes or goes on for long: an agent that is away fails every few seconds. */
  #tell(topic: string, error: PosternError): void {
    const { clock, repeatMs, onWarning } = this.#options;
    const before = this.#told.get(topic);
    const atMs = clock.monotonicMs();
    if (before?.message === error.message && atMs - before.atMs < repeatMs) return;
    this.#told.set(topic, { message: error.message, atMs });
    onWarning(error);
  }

  #settle(error: unknown): void {
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error === null) resolve();
      else reject(error);
    }
  }

  #nothingCame(): PosternError {
    return new PosternError('ERR_WORKLOAD_API_STALLED', `${this.#agent} has given no identity yet`);
  }
}

/** A start needs own SVID and own bundle; a partner's broken bundle must not keep the sidecar down. */
function firstStep(reading: IdentityReading, nowMs: number): IdentityStep {
  const all = [...reading.federated];
  const usable = all.filter(([name, bundle]) => bundle.ok && !isOwn(name, reading));
  const parts: readonly Reading<unknown>[] = [...reading.federated.values(), ...(reading.crls ? [reading.crls] : [])];
  const refused = parts.flatMap((part) => (part.ok ? [] : [part.error]));
  const next = readingOf(() => firstSnapshot({ ...reading, federated: new Map(usable) }, nowMs));
  return next.ok
    ? { next: next.value, refused, warnings: [] }
    : { next: null, refused: [next.error, ...refused], warnings: [] };
}

function isOwn(name: string, { svid }: IdentityReading): boolean {
  return svid.ok && svid.value.id.trustDomain.name === name;
}
