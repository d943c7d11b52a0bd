// Loaded into a sidecar before it (`--import`): measures the longest pause of its event loop, and the most CPU time that its
// thread took within one turn, which other processes cannot stretch; milliseconds. Both are written to the file that
// POSTERN_TEST_PAUSES names at each SIGUSR2, from where they start anew.

import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

const file = process.env['POSTERN_TEST_PAUSES'];
if (file !== undefined) measure(file);

function measure(file: string): void {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  let mostCpuMs = 0;
  let lastCpuMs = cpuMs();
  // A timer that is due is called once in each turn, so what passed between two calls is a turn, or several short ones.
  setInterval(() => {
    const now = cpuMs();
    mostCpuMs = Math.max(mostCpuMs, now - lastCpuMs);
    lastCpuMs = now;
  }, 1).unref();
  process.on('SIGUSR2', () => {
    writeFileSync(file, `${(delays.max / 1e6).toFixed(1)} ${mostCpuMs.toFixed(1)}\n`);
    delays.reset();
    mostCpuMs = 0;
  });
}

/** Of this thread, its part in collections included. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
