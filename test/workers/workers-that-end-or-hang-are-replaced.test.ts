// Real processes, with a role that can be told to end or to stand still.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PosternConfig } from '../../src/config/postern-config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { OperationalLog } from '../../src/telemetry/operational-log.ts';
import { reloadAll } from '../../src/workers/group-reload.ts';
import { WorkerProcess } from '../../src/workers/worker-process.ts';
import { WorkerSlot } from '../../src/workers/worker-slot.ts';
import { waitFor } from '../harness/wait-for.ts';

const entry = fileURLToPath(new URL('./obedient-worker.ts', import.meta.url));

async function slotOf(t: TestContext, patienceMs = 30_000): Promise<{ slot: WorkerSlot; lines: string[] }> {
  const lines: string[] = [];
  const log = { info: (line: string) => lines.push(line), error: (line: string) => lines.push(line) };
  const slot = new WorkerSlot({
    number: 3,
    launch: async (number) => {
      const worker = new WorkerProcess(number, entry);
      t.after(() => worker.kill());
      await worker.ask('kept', undefined, 10_000);
      return worker;
    },
    log: log as unknown as OperationalLog,
    clock: systemClock,
    watch: { everyMs: 50, patienceMs },
    onLost: () => {},
  });
  await slot.fill();
  t.after(() => slot.close());
  return { slot, lines };
}

test('a worker that ends by itself rejects what it was asked, and another takes its place', async (t) => {
  const { slot, lines } = await slotOf(t);
  const first = slot.worker!;
  await assert.rejects(first.ask('discard', undefined, 10_000), { code: 'ERR_WORKER', message: 'worker 3 has ended' });
  assert.deepEqual(await first.exited, { code: 7, signal: null });
  await assert.rejects(first.ask('health', undefined, 10_000), { code: 'ERR_WORKER' });
  await waitFor('another', () => slot.worker !== null && slot.worker !== first);
  assert.deepEqual([slot.failures, lines], [1, ['a worker ended by itself', 'a worker was started again']]);
});

test('a worker whose loop stands still is ended and replaced', async (t) => {
  const { slot, lines } = await slotOf(t, 1_000);
  const first = slot.worker!;
  await assert.rejects(first.ask('commit', undefined, 200), { message: /did not answer `commit` within 200 ms/ });
  await waitFor('another', () => slot.worker !== null && slot.worker !== first);
  assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' });
  assert.equal(lines[0], 'a worker does not answer and is ended');
});

test('a closed slot starts nobody any more', async (t) => {
  const { slot } = await slotOf(t);
  const worker = slot.worker!;
  await slot.close();
  worker.kill();
  await worker.exited;
  await waitFor('the end', () => slot.worker === null);
  assert.equal(slot.failures, 0);
});

test('a fault of a worker comes with its code and mend, and refuses the reload of all', async (t) => {
  const { slot } = await slotOf(t);
  const fault = { name: 'PosternError', code: 'ERR_POLICY_INVALID', message: 'the policy is broken', mend: 'mend it' };
  await assert.rejects(reloadAll([slot.worker!], {} as PosternConfig), fault);
  assert.notEqual(slot.worker, null);
});
