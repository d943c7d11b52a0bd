// A process that logs about 800 KB at once and ends.

import { systemClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { createOperationalLog } from '../../src/telemetry/operational-log.ts';

const wheel = new TimerWheel({ clock: systemClock, tickMs: 50, onError: () => {} });
wheel.start();
const log = createOperationalLog({ level: 'info', clock: systemClock, wheel, fd: 2 });
const fill = 'x'.repeat(900);
for (let line = 0; line < 800; line++) log.info('a line', { line, fill });
await log.close();
