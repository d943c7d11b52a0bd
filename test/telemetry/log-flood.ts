// A process whose standard error nobody reads: it logs far more than a pipe takes, then closes its log, and says on
// standard output how it fared.

import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';

const wheel = new TimerWheel({ clock: systemClock, tickMs: 50, onError: () => {} });
wheel.start();
const log = createOperationalLog({ level: 'info', clock: systemClock, wheel, fd: 2 });
const fill = 'x'.repeat(900);
const startMs = performance.now();
for (let line = 0; line < 5_000; line++) log.info('a line', { line, fill });
const wroteMs = performance.now() - startMs;
// The loop still turns.
await pause(20);
const turnedMs = performance.now() - startMs - wroteMs;
await log.close();
writeSync(1, JSON.stringify({ wroteMs, turnedMs, dropped: log.figures().dropped }));
