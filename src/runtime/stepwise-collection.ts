// A collection of the old generation that stops the loop for some ten milliseconds, where `gc()` takes 70 to 400. V8 marks
// beside the program and in small steps when its heap nears its limit; nothing public asks for that, but the limits are flags.

import { setFlagsFromString } from 'node:v8';

/** Half of each pair makes V8 begin, the other puts its own judgement back; what has begun goes on as it was begun. */
const flags = Object.freeze([
  // Marking begins as soon as anything has been allocated since the last collection …
  ['--incremental-marking-hard-trigger=1', '--incremental-marking-hard-trigger=0'],
  // … and ends by moving objects together, so that whole pages become free.
  ['--optimize-for-size', '--no-optimize-for-size'],
] as const);

/** Begins a collection; V8 ends it by itself within some hundred milliseconds of an idle process. */
export function collectInSteps(gc: NodeJS.GCFunction): void {
  for (const [begin] of flags) setFlagsFromString(begin);
  try {
    // V8 looks at its limits after each collection of the young generation, which takes a millisecond or two.
    void gc({ type: 'minor', execution: 'sync' });
  } finally {
    for (const [, end] of flags) setFlagsFromString(end);
  }
}
