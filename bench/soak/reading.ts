// What the sidecar holds at a moment: from /proc, and from its own metrics.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { SidecarProcess } from '../../test/harness/sidecar-process.ts';

export interface Reading {
  readonly residentMb: number;
  readonly heapMb: number;
  /** Memory of buffers outside of the heap. */
  readonly externalMb: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Time limits that run, and timers that keep the event loop alive. */
  readonly timers: number;
  /** Everything else that keeps it alive, by `process.getActiveResourcesInfo()`. */
  readonly handles: number;
  readonly journalMb: number;
  readonly connections: number;
  readonly upstreams: number;
  readonly records: number;
  readonly lostRecords: number;
}

const mb = 1024 * 1024;

export async function takeReading(sidecar: SidecarProcess, journalDir: string): Promise<Reading> {
  const metrics = (await sidecar.admin('/metrics')).body;
  const nodeTimers = metricOf(metrics, 'nodejs_active_resources', 'type="Timeout"');
  return {
    residentMb: sidecar.residentBytes / mb,
    heapMb: metricOf(metrics, 'nodejs_heap_size_used_bytes') / mb,
    externalMb: metricOf(metrics, 'nodejs_external_memory_bytes') / mb,
    descriptors: sidecar.descriptorCount,
    threads: threadsOf(sidecar.child.pid!),
    timers: nodeTimers + metricOf(metrics, 'postern_deadlines_pending'),
    handles: metricOf(metrics, 'nodejs_active_resources_total') - nodeTimers,
    journalMb: sizeOf(journalDir) / mb,
    connections: metricOf(metrics, 'postern_connections_open'),
    upstreams: metricOf(metrics, 'postern_upstream_connections_open'),
    records: metricOf(metrics, 'postern_journal_records_total'),
    lostRecords:
      metricOf(metrics, 'postern_journal_dropped_records_total') +
      metricOf(metrics, 'postern_journal_unwritten_records_total'),
  };
}

/** The sum over the samples of a metric that have the label. */
export function metricOf(metrics: string, name: string, label = ''): number {
  return metrics
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function threadsOf(pid: number): number {
  return Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);
}

function sizeOf(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    const size = entry.isFile()
      ? statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size
      : 0;
    return sum + (size ?? 0);
  }, 0);
}
