// CPU time and memory of running processes, read from /proc (Linux). User and system time together: a proxy's work is
// done in both, and only their sum compares.

import { readdirSync, readFileSync } from 'node:fs';

const microsPerTick = 10_000; // /proc counts in USER_HZ, which is 100 on every Linux platform that Node supports

/** CPU time that all threads of `pids` have used so far, microseconds. Processes that have ended count nothing. */
export function cpuTimeUs(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) total += preciseCpuTimeUs(pid) ?? tickCpuTimeUs(pid);
  return total;
}

/** Resident memory of `pids`, bytes. Pages that they share count once for each. */
export function residentBytes(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`));
    total += Number(line?.[1] ?? 0) * 1024;
  }
  return total;
}

/** `pid` and every process that descends from it. */
export function processTree(pid: number): number[] {
  const children = readOrEmpty(`/proc/${pid}/task/${pid}/children`).trim();
  const direct = children === '' ? [] : children.split(' ').map(Number);
  return [pid, ...direct.flatMap(processTree)];
}

/** Share of the machine's time that the hypervisor gave to others between two readings of `machineTicks`. */
export function stolenShare(before: MachineTicks, after: MachineTicks): number {
  return (after.stolen - before.stolen) / Math.max(after.total - before.total, 1);
}

/** Ticks of all cores since boot. */
export interface MachineTicks {
  readonly total: number;
  readonly stolen: number;
}

export function machineTicks(): MachineTicks {
  const line = readOrEmpty('/proc/stat').split('\n', 1)[0] ?? '';
  // cpu  user nice system idle iowait irq softirq steal guest guest_nice (proc(5)); guest time is within user time.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: ticks.reduce((sum, value) => sum + value, 0), stolen: ticks[7] ?? 0 };
}

/** CPU time of the thread that runs the event loop, microseconds; NaN where the kernel keeps no such account. */
export function mainThreadCpuTimeUs(pid: number): number {
  const account = readOrEmpty(`/proc/${pid}/task/${pid}/schedstat`);
  return account === '' ? Number.NaN : Number(account.split(' ', 1)[0]) / 1000;
}

/** Nanosecond accounts of the scheduler, thread by thread; undefined where the kernel keeps none. */
function preciseCpuTimeUs(pid: number): number | undefined {
  let nanos = 0;
  for (const thread of threadsOf(pid)) {
    nanos += Number(readOrEmpty(`/proc/${pid}/task/${thread}/schedstat`).split(' ', 1)[0]);
  }
  return nanos > 0 ? nanos / 1000 : undefined;
}

/** The process's own account, in steps of 10 ms; holds the time of threads that have ended too. */
export function tickCpuTimeUs(pid: number): number {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * microsPerTick;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended, or this kernel has no such file
  }
}
