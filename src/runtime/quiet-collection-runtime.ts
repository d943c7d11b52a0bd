// The collection of this process: V8 offers it where the process was started with `--expose-gc`, as `bin/postern` does.

import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../lib/clock.ts';
import { QuietCollection, quietCollectionDefaults } from '../lib/quiet-collection.ts';
import { openNativeTrim } from './native-trim.ts';
import { openProgramPages } from './program-pages.ts';
import { collectInSteps } from './stepwise-collection.ts';

/** Begins to look for quiet moments. */
export function openQuietCollection(clock: Clock): QuietCollection {
  const { gc } = globalThis;
  const collection = new QuietCollection({
    ...quietCollectionDefaults,
    collect: gc === undefined ? undefined : () => collectInSteps(gc),
    giveBack: gc === undefined ? () => {} : openGiveBack(),
    heapUsed: () => getHeapStatistics().used_heap_size,
    cpuMs,
    nowMs: () => clock.monotonicMs(),
  });
  collection.start();
  return collection;
}

function openGiveBack(): () => void {
  const trim = openNativeTrim();
  const unmap = openProgramPages();
  return () => {
    trim();
    unmap();
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
