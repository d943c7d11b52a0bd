// What the figures were taken on: without it a figure means nothing. Also the share-out of cores.

import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** Facts that every result file holds. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly arch: string;
  readonly node: string;
  readonly openssl: string;
  readonly commit: string;
  /** True when the checkout differs from the commit. */
  readonly dirty: boolean;
  readonly pinned: boolean;
  readonly loadBefore: number;
}

/** The core of each role, or null where processes cannot be pinned. */
export interface CorePlan {
  readonly proxy: number | null;
  readonly load: number | null;
  readonly workload: number | null;
}

/** The proxy has a core of its own; load and workload share one, unless the machine has three or more. */
export function planCores(coreCount: number, canPin: boolean): CorePlan {
  if (!canPin || coreCount < 2) return { proxy: null, load: null, workload: null };
  return { proxy: 1, load: 0, workload: coreCount > 2 ? 2 : 0 };
}

export function describeMachine(cores: CorePlan): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    arch: arch(),
    node: process.version,
    openssl: process.versions.openssl ?? 'unknown',
    commit: output('git', ['rev-parse', '--short', 'HEAD']) ?? 'unknown',
    dirty: (output('git', ['status', '--porcelain', '--', 'src']) ?? '') !== '',
    pinned: cores.proxy !== null,
    loadBefore: loadavg()[0] ?? 0,
  };
}

/** True where `taskset` (util-linux) is installed. */
export function canPin(): boolean {
  return output('taskset', ['--version']) !== null;
}

/** What a command prints on stdout and stderr, trimmed; null if it cannot be run or fails. */
export function output(command: string, args: readonly string[]): string | null {
  try {
    return execFileSync('/bin/sh', ['-c', '"$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}
