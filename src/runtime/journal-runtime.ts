// Opens the recorder with what surrounds it: who we are, where faults go, and who sees each line.

import { hostname } from 'node:os';
import type { RecentDecisions } from '../admin/recent-decisions.ts';
import { openRecorder, type RecorderHandle } from '../audit/recorder.ts';
import type { AuditConfig } from '../config/audit-section.ts';
import type { Clock } from '../lib/clock.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import type { ProxyMetrics } from '../telemetry/metrics.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import type { SidecarEnvironment } from './sidecar.ts';

export interface JournalParts {
  readonly environment: SidecarEnvironment;
  readonly clock: Clock;
  readonly log: OperationalLog;
  readonly own: OwnIdentity;
  readonly metrics: ProxyMetrics;
  readonly recent: RecentDecisions;
}

/** @throws PosternError ERR_JOURNAL_UNAVAILABLE */
export function openJournal(config: AuditConfig, parts: JournalParts): Promise<RecorderHandle> {
  const { environment, log, own, recent } = parts;
  const { redactHeaders: _, ...options } = config;
  const proxy = {
    instance: `${hostname()}:${process.pid}`,
    workloadId: own.spiffeId,
    node: environment.node,
    pod: environment.pod,
    version: environment.version,
  };
  return openRecorder(
    { ...options, proxy },
    {
      clock: parts.clock,
      onLine: (line) => recent.add(line),
      onFault: (error) =>
        log.sampled('journal', 1).error('journal', { code: error.code, error: error.message, mend: error.mend }),
    },
  );
}
