// Loaded into a sidecar before it (`--import`): measures the longest pause of its event loop, milliseconds, and writes it to
// the file that POSTERN_TEST_PAUSES names at each SIGUSR2, from where it starts anew.

import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env['POSTERN_TEST_PAUSES'];
if (file !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('SIGUSR2', () => {
    writeFileSync(file, `${(delays.max / 1e6).toFixed(1)} ${(delays.percentile(99) / 1e6).toFixed(1)}\n`);
    delays.reset();
  });
}
