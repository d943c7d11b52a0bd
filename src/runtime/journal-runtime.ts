// Opens the recorder with what surrounds it: who we are, where faults go, and who sees each line.

import { hostname } from 'node:os';
import process from 'node:process';
import type { RecentDecisions } from '../admin/recent-decisions.ts';
import { openRecorder, type RecorderHandle } from '../audit/recorder.ts';
import type { AuditConfig } from '../config/audit-section.ts';
import type { PosternError } from '../errors.ts';
import type { IdentitySource } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import { faultFields } from './fault-fields.ts';
import { createSealSigner } from './seal-signer.ts';
import { sinkCursors } from './sink-cursors.ts';

export interface JournalParts {
  readonly environment: { readonly node: string | null; readonly pod: string | null; readonly version: string };
  readonly clock: Clock;
  readonly log: OperationalLog;
  readonly own: OwnIdentity;
  readonly recent: RecentDecisions;
  /** Sees how long each write of the journal took, milliseconds. */
  readonly onWriteMs: (ms: number) => void;
  readonly identity: Pick<IdentitySource, 'current'>;
  /** Longest time between two signed seals, milliseconds; null: none is signed. */
  readonly signEveryMs: number | null;
}

/** The open journal, and what is wrong with it now. */
export interface Journal {
  readonly recorder: RecorderHandle;
  /** The last fault, where nothing was written since; else null. */
  fault(): string | null;
}

/** @throws PosternError ERR_JOURNAL_UNAVAILABLE */
export async function openJournal(config: AuditConfig, parts: JournalParts): Promise<Journal> {
  const { clock, environment, log, own, recent, onWriteMs, identity, signEveryMs } = parts;
  const { redactHeaders: _, sinks, ...options } = config;
  let last: { readonly text: string; readonly records: number } | null = null;
  let opened: RecorderHandle | null = null;
  const onFault = (error: PosternError): void => {
    last = { text: error.message, records: opened?.stats().records ?? 0 };
    log.sampled('journal', 1).error('journal', { code: error.code, error: error.message, mend: error.mend });
  };
  const proxy = {
    instance: `${hostname()}:${process.pid}`,
    workloadId: own.spiffeId,
    node: environment.node,
    pod: environment.pod,
    version: environment.version,
  };
  const cursors = config.dir === null ? undefined : sinkCursors(config.dir, sinks);
  const onUnsigned = (error: unknown): void =>
    log.sampled('journal', 1).error('seal cannot be signed', faultFields(error));
  const signer = signEveryMs === null ? null : createSealSigner(identity, signEveryMs, onUnsigned);
  const surroundings = { clock, onBatch: recent.add, onFault, onWriteMs, signer };
  const recorder = await openRecorder(
    { ...options, proxy },
    { ...surroundings, ...(cursors === undefined ? {} : { cursors }) },
  );
  opened = recorder;
  return {
    recorder,
    fault: () => (last === null || recorder.stats().records > last.records ? null : last.text),
  };
}
