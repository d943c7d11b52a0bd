// The real thing in a process of its own, with the flags of bin/postern: V8 and glibc do what they are asked for.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { parseMappings } from '../../src/runtime/program-pages.ts';

const runtimeFolder = path.resolve(import.meta.dirname, '../../src/runtime');

/** Runs a module with the flags that a sidecar has; what it prints is JSON. */
function run(program: string): Record<string, unknown> {
  const flags = ['--expose-gc', '--heap-growing-percent=60', '--disable-warning=ExperimentalWarning'];
  const args = [...flags, '--input-type=module-typescript', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 }));
}

test('garbage of the old generation goes, in steps, and the flags are as before', () => {
  const { isIncremental, freedMb } = run(`
    import { PerformanceObserver, constants } from 'node:perf_hooks';
    import { collectInSteps } from '${runtimeFolder}/stepwise-collection.ts';
    const seen = [];
    new PerformanceObserver((list) => seen.push(...list.getEntries())).observe({ entryTypes: ['gc'] });
    let kept = Array.from({ length: 300_000 }, (_, n) => ({ n, text: 'x' + n }));
    gc({ type: 'minor', execution: 'sync' });
    gc({ type: 'minor', execution: 'sync' });
    kept = [];
    const before = process.memoryUsage().heapUsed;
    collectInSteps(gc);
    const deadline = performance.now() + 30_000;
    const isMajor = (entry) => entry.detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
    while (!seen.some(isMajor) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    const kinds = new Set(seen.map((entry) => entry.detail.kind));
    const freedMb = (before - process.memoryUsage().heapUsed) / 1e6;
    console.log(JSON.stringify({ isIncremental: kinds.has(constants.NODE_PERFORMANCE_GC_INCREMENTAL), freedMb, n: kept.length }));
  `);
  assert.equal(isIncremental, true);
  assert.ok(Number(freedMb) > 5, `${freedMb} MB`);
});

test('what C code has freed returns to the system, where the C library is glibc', (t) => {
  const header = (process.report.getReport() as { header: Record<string, unknown> }).header;
  if (header['glibcVersionRuntime'] === undefined) return t.skip('the C library is not glibc');
  const { returnedMb } = run(`
    import { openNativeTrim } from '${runtimeFolder}/native-trim.ts';
    const trim = openNativeTrim();
    const { dlopen } = process.getBuiltinModule('node:ffi');
    const { functions: c } = dlopen(null, {
      calloc: { arguments: ['uint64', 'uint64'], return: 'pointer' },
      memset: { arguments: ['pointer', 'int32', 'uint64'], return: 'pointer' },
      free: { arguments: ['pointer'], return: 'void' },
    });
    // Pieces too small for pages of their own; the last stays, so that nothing is free at the end.
    const pieces = Array.from({ length: 2000 }, () => c.memset(c.calloc(1n, 16_384n), 1, 16_384n));
    const last = pieces.pop();
    for (const piece of pieces) c.free(piece);
    const before = process.memoryUsage.rss();
    trim();
    console.log(JSON.stringify({ returnedMb: (before - process.memoryUsage.rss()) / 1e6, last: String(last) }));
  `);
  assert.ok(Number(returnedMb) > 20, `${returnedMb} MB`);
});

test('pages of the program that only its start needed are unmapped, and it goes on', () => {
  const { returnedMb, digest } = run(`
    import { createHash } from 'node:crypto';
    import { openProgramPages } from '${runtimeFolder}/program-pages.ts';
    const unmap = openProgramPages();
    const before = process.memoryUsage.rss();
    unmap();
    const returnedMb = (before - process.memoryUsage.rss()) / 1e6;
    console.log(JSON.stringify({ returnedMb, digest: createHash('sha256').update('abc').digest('hex') }));
  `);
  assert.ok(Number(returnedMb) > 8, `${returnedMb} MB`);
  assert.match(String(digest), /^ba7816bf8f01cfea/);
});

test('only mappings of the program that nobody can write or has written are unmapped', () => {
  const mapping = (head: string, anonymousKb: number): string =>
    `${head}\nSize:                  4 kB\nAnonymous:          ${anonymousKb} kB\nVmFlags: rd mr`;
  const program = '/usr/bin/node';
  const smaps = [
    mapping(`00400000-00500000 r--p 00000000 fe:00 11        ${program}`, 0),
    mapping(`00500000-03489000 r-xp 00100000 fe:00 11        ${program}`, 0),
    mapping(`03489000-03490000 r-xp 00100000 fe:00 11        ${program}`, 4),
    mapping(`072a7000-072dc000 r--p 06ea7000 fe:00 11        ${program}`, 24),
    mapping(`072dc000-07308000 rw-p 06edc000 fe:00 11        ${program}`, 0),
    mapping(`07400000-07500000 r--s 06edc000 fe:00 11        ${program}`, 0),
    mapping('10000000-20000000 r-xp 00000000 fe:00 12        /usr/lib/libc.so.6', 0),
    mapping(`20000000-30000000 r-xp 00000000 fe:00 12        ${program} (deleted)`, 0),
    mapping('7f0000000000-7f0000001000 rw-p 00000000 00:00 0', 0),
    'nonsense',
  ].join('\n');
  assert.deepEqual(parseMappings(smaps, program), [
    { start: 0x400000n, bytes: 0x100000n },
    { start: 0x500000n, bytes: 0x2f89000n },
  ]);
});
