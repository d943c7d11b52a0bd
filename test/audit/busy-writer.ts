// A process that fills a folder beside others, tells the faults of its journal and ends. Argument: folder.

import process from 'node:process';
import { openRecorder } from '../../src/audit/recorder.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { recordMany } from './journal-in-folder.ts';
import { journalOptions } from './sample-events.ts';

const [dir] = process.argv.slice(2);
const faults: string[] = [];
const options = journalOptions(dir!, { segmentBytes: 64 * 1024, keepBytes: 512 * 1024 });
const recorder = await openRecorder(options, {
  clock: systemClock,
  onFault: (error) => faults.push(error.message),
});
for (let turn = 0; turn < 60; turn++) {
  await recordMany(recorder, 20);
  // Gives the loop to what looks after the room, as pauses between requests do.
  for (let pause = 0; pause < 20; pause++) await new Promise((resolve) => setImmediate(resolve));
}
process.send?.('written');
process.once('message', () => void recorder.close().then(() => process.send?.(faults, () => process.exit(0))));
