// Worker thread: pokes its parent at a steady pace, finer than the event loop's timers, which know whole milliseconds only.
// It sleeps on a cell that nobody wakes, so the kernel's high-resolution timer does the waiting.

import { parentPort, workerData } from 'node:worker_threads';

const everyMs = Number(workerData);
const cell = new Int32Array(new SharedArrayBuffer(4));

for (let next = performance.now() + everyMs; ; next += everyMs) {
  const wait = next - performance.now();
  if (wait > 0) Atomics.wait(cell, 0, 0, wait);
  else next = performance.now(); // late: do not try to catch up with pokes, the parent counts what is due by itself
  parentPort?.postMessage(0);
}
