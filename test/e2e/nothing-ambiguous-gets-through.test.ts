// The strictness table on the whole path: real mutual TLS, a real sidecar, a workload that keeps every octet. What is
// refused and what is forwarded, case by case, is in docs/strictness.md.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { checkJournal } from '../harness/strictness-journal.ts';
import { StrictnessWorld } from '../harness/strictness-world.ts';
import { wireCaseClasses } from '../wire-cases/all-classes.ts';
import type { WireCaseClass } from '../wire-cases/wire-case.ts';

async function runClass(t: TestContext, world: StrictnessWorld, { title, cases }: WireCaseClass): Promise<void> {
  await t.test(title, async (inClass) => {
    for (const one of cases) await inClass.test(one.name, () => world.run(one));
  });
}

test('every case of the strictness table comes out as it says, and a good request works after it', async (t) => {
  const world = await StrictnessWorld.start(t);
  for (const each of wireCaseClasses) await runClass(t, world, each);
  await t.test('each request is on record, as one line of harmless octets', () => checkJournal(world));
});

test('the table has at least 450 cases, no two of them alike', () => {
  const cases = wireCaseClasses.flatMap((each) => each.cases);
  const sent = new Set(cases.map(({ name, source, expect, ...one }) => JSON.stringify(one)));
  assert.equal(sent.size, cases.length);
  assert.ok(cases.length >= 450, `${cases.length} cases`);
});
