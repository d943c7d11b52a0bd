// Where a scrape finds its figures.

import process from 'node:process';
import type { IdentityStatus } from '../identity/source.ts';
import type { MetricSources } from '../telemetry/figures.ts';
import type { MetricData } from '../telemetry/metric-data.ts';
import { createDataScrape, createScrape, type MetricsText } from '../telemetry/metrics.ts';
import { healthOf } from './health-runtime.ts';
import type { RunningSidecar } from './sidecar-parts.ts';

/** The function that answers `GET /metrics`. */
export function createSidecarScrape(sidecar: RunningSidecar): () => Promise<MetricsText> {
  return createScrape(sidecar.parts.metrics, sourcesOf(sidecar));
}

/** As `createSidecarScrape`, as data for the process that joins several. */
export function createSidecarDataScrape(sidecar: RunningSidecar): () => Promise<MetricData> {
  return createDataScrape(sidecar.parts.metrics, sourcesOf(sidecar));
}

function sourcesOf(sidecar: RunningSidecar): MetricSources {
  const {
    environment,
    log,
    identity,
    revocations,
    registry,
    identityCounts,
    recorder,
    listeners,
    outbound,
    reloader,
    clock,
    wheel,
  } = sidecar.parts;
  return {
    build: { version: environment.version, nodeVersion: process.versions.node },
    runtime: () => ({
      ready: healthOf(sidecar).every(({ ok }) => ok),
      draining: sidecar.phase === 'draining',
      configLoadedMs: reloader.counts.loadedAtMs,
      reloadsApplied: reloader.counts.applied,
      reloadsRefused: reloader.counts.refused,
      workers: 1,
      workerRestarts: 0,
      pendingDeadlines: wheel.size,
    }),
    log: () => log.figures(),
    policy: () => policyFigures(sidecar),
    journal: () => recorder.stats(),
    shipping: () => sidecar.parts.shipping?.figures ?? null,
    identity: () => ({
      ...sourceFigures(identity.status, clock.nowMs()),
      svid: identity.current.svid,
      rotations: identityCounts.rotations,
      refusedRotations: identityCounts.refused,
      bundles: identity.current.bundles.bundles.length,
      revocations: revocations.current.size,
      refusedRevocations: revocations.refused,
      registered: registry.current.size,
      refusedRegistries: registry.refused,
    }),
    tokens: () => sidecar.parts.tokens?.figures() ?? null,
    upstreams: () =>
      [...listeners.all, ...outbound.all].map(({ settings }) => ({
        listener: settings.options.name,
        open: settings.pool.openCount,
        idle: settings.pool.idleCount,
        endpoints: settings.pool.endpointStates,
      })),
  };
}

/** What a source of identities tells of itself, for metrics. */
export function sourceFigures(status: IdentityStatus, nowMs: number) {
  const { nextRotationMs, lastUpdateMs, streams, federation = [], crls } = status;
  const rotationLagMs = nextRotationMs === null ? 0 : Math.max(0, nowMs - nextRotationMs);
  const lists = { crls: crls?.lists ?? [], refusedCrls: crls?.refused ?? 0 };
  return { rotationDueMs: nextRotationMs, rotationLagMs, lastUpdateMs, streams, federation, ...lists };
}

function policyFigures(sidecar: RunningSidecar) {
  const { policy, reloader } = sidecar.parts;
  const status = policy.status();
  const levels = (level: string) => status.lint.filter(({ severity }) => severity === level).length;
  return {
    digest: status.digest || null,
    loadedMs: status.loadedAtMs,
    enforcedRules: status.ruleCount,
    shadowRules: status.candidateHits.length,
    unusedRules: status.hits.filter((hit) => hit.count === 0).length,
    lintFindings: { error: levels('error'), warning: levels('warning'), info: levels('info') },
    loadFailures: reloader.counts.policyRefused,
    planCache: policy.planCacheFigures(),
  };
}
