// A process of its own that records decisions and says on stdout which are on record. Arguments: folder, fsync kind.

import process from 'node:process';
import { openRecorder } from '../../src/audit/recorder.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decisionEvent, journalOptions } from './sample-events.ts';

const [dir, fsync] = process.argv.slice(2);
const options = journalOptions(dir!, {
  segmentBytes: 96 * 1024,
  fsync: fsync === 'always' ? { kind: 'always' } : { kind: 'interval', intervalMs: 20 },
});
const recorder = await openRecorder(options, { clock: systemClock });
process.stdout.write(`stream ${recorder.streamId}\n`);

let n = 0;
function turn(): void {
  for (let k = 1 + (n % 7); k > 0; k -= 1) {
    n += 1;
    const id = `${recorder.streamId}-${n}`;
    const event = decisionEvent(n, { decisionId: id });
    recorder.decision(event, {
      recorded: () => process.stdout.write(`${id}\n`),
      recordFailed: (error) => process.stdout.write(`refused ${error.message}\n`),
    });
  }
  setImmediate(turn);
}
turn();
