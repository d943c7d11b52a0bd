// Figures of the other parts as plain values, for tests of a scrape.

import type { MetricSources } from '../../src/telemetry/figures.ts';

export function plainSources(changed: Partial<MetricSources> = {}): MetricSources {
  return {
    build: { version: '1.2.3', nodeVersion: 'v26.10.0' },
    runtime: () => ({
      ready: true,
      draining: false,
      configLoadedMs: 1_763_800_000_500,
      reloadsApplied: 2,
      reloadsRefused: 1,
      workers: 1,
      workerRestarts: 0,
      pendingDeadlines: 5,
    }),
    log: () => ({ suppressed: 7, dropped: 3 }),
    policy: () => ({
      digest: 'sha256:abc',
      loadedMs: 1_763_800_001_000,
      enforcedRules: 12,
      shadowRules: 4,
      unusedRules: 5,
      lintFindings: { error: 1, warning: 2, info: 3 },
      loadFailures: 1,
      planCache: { entries: 3, hits: 20, misses: 4 },
    }),
    journal: () => ({
      records: 100,
      bytes: 100_000,
      failedBatches: 1,
      unwritten: 2,
      dropped: 0,
      stalls: 3,
      pooled: true,
      pending: 4,
      unsealed: 9,
      retainedBytes: 4_096,
      syncFailures: 0,
      copies: 98,
      droppedCopies: 2,
    }),
    shipping: () => ({
      sinks: [{ sink: 'es', records: 90, bytes: 9_000, retries: 3, refused: 1, gaps: 2, lagRecords: 10, lagMs: 1_500 }],
      restarts: 1,
    }),
    identity: () => ({
      svid: { notBeforeMs: 1_763_800_000_000, notAfterMs: 1_763_803_600_000 },
      rotationDueMs: 1_763_801_800_000,
      rotationLagMs: 1_500,
      lastUpdateMs: 1_763_800_002_000,
      streams: [{ name: 'x509_svid', isUp: true, failures: new Map([['unreachable', 2]]) }],
      rotations: 2,
      refusedRotations: 1,
      revocations: 4,
      refusedRevocations: 1,
      registered: 6,
      refusedRegistries: 2,
      bundles: 2,
      federation: [
        { trustDomain: 'partner.example', lastSuccessMs: 1_763_800_001_000, failures: new Map([['timeout', 3]]) },
      ],
      crls: [{ size: 5, nextUpdateMs: 1_763_900_000_000 }],
      refusedCrls: 1,
    }),
    tokens: () => ({
      issuers: [{ issuer: 'https://issuer.example', keys: 2, lastUpdateMs: 1_763_800_002_000, failures: 3 }],
      replays: 1,
    }),
    upstreams: () => [{ listener: 'api', open: 4, idle: 3, endpoints: { in_rotation: 1 } }],
    ...changed,
  };
}
