// The time before the first identity: an agent that is not there yet, or does not know this process yet. Postern stays up,
// not ready, and says what it waits for in log, /readyz and metrics; nothing of a sidecar exists until then. Its parts go
// away with it, so that the sidecar that follows is built like any other, from the configuration as it then is.

import process from 'node:process';
import type { AdminParts } from '../admin/admin-server.ts';
import { healthChecks } from '../admin/health-checks.ts';
import { RecentDecisions } from '../admin/recent-decisions.ts';
import type { AdminControls, AdminViews, HealthCheck } from '../admin/views.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { PosternError } from '../errors.ts';
import type { OpeningSource } from '../identity/workload-api/workload-api-source.ts';
import { systemClock } from '../lib/clock.ts';
import { TimerWheel } from '../lib/timer-wheel.ts';
import type { IdentityFigures } from '../telemetry/figures.ts';
import { createProxyMetrics, createScrape } from '../telemetry/metrics.ts';
import { createOperationalLog, type OperationalLog } from '../telemetry/operational-log.ts';
import { type AgentConfig, beginAgentIdentity } from './agent-identity.ts';
import { faultFields } from './fault-fields.ts';
import { sourceFigures } from './metric-sources.ts';
import { openAdminListeners } from './open-admin.ts';
import type { SidecarEnvironment } from './sidecar-parts.ts';

/** An agent that answers within this time is not waited for in public, milliseconds. */
const quietMs = 1_000;

const tickMs = 100;

export interface AgentWait {
  readonly config: PosternConfig;
  readonly environment: Omit<SidecarEnvironment, 'readConfig'>;
  /** Ends the wait: the process is to end. */
  readonly signal: AbortSignal;
}

/**
 * Waits until the agent gives an identity that can be used. False where `signal` or the admin API ended the wait.
 * @throws PosternError ERR_LISTEN for the admin API
 */
export async function waitForAgent(config: AgentConfig, { environment, ...wait }: AgentWait): Promise<boolean> {
  let log: OperationalLog | null = null;
  const onDefect = (error: unknown): void => log?.sampled('fault', 5).error('fault', faultFields(error));
  const wheel = new TimerWheel({ clock: systemClock, tickMs, onError: onDefect });
  wheel.start();
  log = createOperationalLog({ level: environment.logLevel, clock: systemClock, wheel, fd: environment.logFd });
  try {
    return await new WaitingRoom(config, { ...wait, environment, log, onDefect }).wait();
  } finally {
    log.close();
    wheel.stop();
  }
}

interface RoomParts extends AgentWait {
  readonly log: OperationalLog;
  readonly onDefect: (error: unknown) => void;
}

class WaitingRoom {
  readonly #agent: AgentConfig;
  readonly #parts: RoomParts;
  readonly #leave = new AbortController();
  #refused = 0;

  constructor(agent: AgentConfig, parts: RoomParts) {
    this.#agent = agent;
    this.#parts = parts;
  }

  async wait(): Promise<boolean> {
    const { log, onDefect, signal } = this.#parts;
    const opening = await beginAgentIdentity(this.#agent, {
      clock: systemClock,
      onRefused: (error) => {
        this.#refused++;
        log.error('identity refused', faultFields(error));
      },
      onWarning: (error) => log.warn('waiting for an identity', faultFields(error)),
      onListenerError: onDefect,
    });
    const left = AbortSignal.any([signal, this.#leave.signal]);
    const giveUp = (): void => opening.giveUp();
    left.addEventListener('abort', giveUp, { once: true });
    if (left.aborted) giveUp();
    try {
      const source = await this.#first(opening);
      await source.close();
      return true;
    } catch (error) {
      if (left.aborted) return false;
      throw error;
    } finally {
      left.removeEventListener('abort', giveUp);
    }
  }

  /** Opens the admin API only where it takes a while. */
  async #first(opening: OpeningSource) {
    const { config, log } = this.#parts;
    const patience = Promise.withResolvers<null>();
    const timer = setTimeout(() => patience.resolve(null), quietMs);
    const early = await Promise.race([opening.ready, patience.promise]).finally(() => clearTimeout(timer));
    if (early !== null) return early;
    const fault = opening.status.fault;
    log.warn('no identity yet; not ready until the agent gives one', {
      agent: opening.status.endpoint,
      ...(fault === null ? {} : faultFields(fault)),
    });
    const admin = await openAdminListeners(config.admin, this.#adminParts(opening)).catch((error) => {
      opening.giveUp();
      return opening.ready.then(
        () => Promise.reject(error),
        () => Promise.reject(error),
      );
    });
    try {
      return await opening.ready;
    } finally {
      await admin.close();
    }
  }

  #adminParts(opening: OpeningSource): AdminParts {
    const { log } = this.#parts;
    return {
      views: this.#views(opening),
      controls: this.#controls(opening),
      workloadHealth: { paths: () => [], ask: () => Promise.reject(this.#nothingYet()) },
      onError: (error) => log.sampled('admin', 1).error('a defect in the admin API', { error }),
    };
  }

  #views(opening: OpeningSource): AdminViews {
    const { config, environment } = this.#parts;
    const none = (): never => {
      throw this.#nothingYet();
    };
    return {
      version: environment.version,
      health: () => this.#health(opening),
      metrics: this.#scrape(opening),
      config: () => config,
      configSecrets: () => config.secrets,
      identity: () => null,
      policy: () => ({ digest: null, loaded_at: null, rules: [] }),
      explain: none,
      explainRecord: () => null,
      decisions: new RecentDecisions(),
    };
  }

  #controls(opening: OpeningSource): AdminControls {
    const { log } = this.#parts;
    const leave = (): void => this.#leave.abort();
    return {
      reload: async () => {
        opening.retry();
        return { result: 'unchanged', notes: ['the agent is asked again; the configuration is read when it answers'] };
      },
      drain: leave,
      quit: leave,
      logLevel: () => log.level,
      setLogLevel: () => {
        throw this.#nothingYet();
      },
    };
  }

  #health({ status }: OpeningSource): readonly HealthCheck[] {
    const { inbound, outbound } = this.#parts.config;
    return healthChecks({
      nowMs: systemClock.nowMs(),
      identity: null,
      identityFault: status.fault?.message ?? `waiting for ${status.endpoint}`,
      policyDigest: null,
      listeners: [...inbound, ...outbound].map(({ name, listen }) => ({ name, address: listen, bound: false })),
      journalFault: null,
      draining: false,
    });
  }

  #scrape(opening: OpeningSource): AdminViews['metrics'] {
    const { config, environment, log } = this.#parts;
    const loadedMs = systemClock.nowMs();
    return createScrape(createProxyMetrics([...config.inbound, ...config.outbound].map((one) => one.name)), {
      build: { version: environment.version, nodeVersion: process.versions.node },
      runtime: () => ({
        ready: false,
        draining: false,
        configLoadedMs: loadedMs,
        reloadsApplied: 0,
        reloadsRefused: 0,
        workers: 0,
        workerRestarts: 0,
        pendingDeadlines: 0,
      }),
      log: () => log.figures(),
      policy: () => null,
      journal: () => null,
      identity: () => this.#figures(opening),
      shipping: () => null,
      tokens: () => null,
      upstreams: () => [],
    });
  }

  #figures({ status }: OpeningSource): IdentityFigures {
    const source = sourceFigures(status, systemClock.nowMs());
    const none = { svid: null, rotations: 0, bundles: 0, revocations: 0, refusedRevocations: 0, registered: 0 };
    return { ...source, ...none, refusedRotations: this.#refused, refusedRegistries: 0 };
  }

  #nothingYet(): PosternError {
    return new PosternError('ERR_IDENTITY_WAITING', 'there is no identity yet');
  }
}
