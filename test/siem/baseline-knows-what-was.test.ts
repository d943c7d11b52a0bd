// deploy/siem/sigma/baseline.mjs makes filters of older records; with them the rules for dormant identities and new pairs find what is new.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { asEcs, call, ecsForm, nativeForm, recorded } from './recorded-journal.ts';
import { found, type SigmaFilter, type SigmaRule, siemFolder, sigmaDocuments } from './sigma-rules.ts';

const rules = sigmaDocuments<SigmaRule>('rules');
const schemas = JSON.parse(await readFile(join(import.meta.dirname, 'schemas/sigma.json'), 'utf8')) as {
  readonly filter: Parameters<typeof z.fromJSONSchema>[0];
};
const dayS = 86_400;

interface Made {
  readonly filters: readonly SigmaFilter[];
  readonly code: number | null;
  readonly said: string;
}

async function makeFilters(t: TestContext, input: string, ...args: readonly string[]): Promise<Made> {
  const out = await mkdtemp(join(tmpdir(), 'postern-baseline-'));
  t.after(() => rm(out, { recursive: true, force: true, maxRetries: 20 }));
  const script = join(siemFolder, 'sigma/baseline.mjs');
  const child = spawn(process.execPath, [script, '--out', out, ...args], { stdio: ['pipe', 'inherit', 'pipe'] });
  child.stdin.on('error', () => {}); // It may end before it has read all.
  child.stdin.end(input);
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  if (code === 2) return { filters: [], code, said };
  const names = ['dormant_identities.yml', 'known_pairs.yml'];
  const filters = await Promise.all(
    names.map(async (name) => parse(await readFile(join(out, name), 'utf8')) as SigmaFilter),
  );
  return { filters, code, said };
}

const lines = (records: readonly unknown[]) => records.map((one) => `${JSON.stringify(one)}\n`).join('');

test('an identity that slept and a pair that is new are found, and what was there before is not', async (t) => {
  const sleeper = 'spiffe://prod.acme.com/sleeper';
  const worker = 'spiffe://prod.acme.com/worker';
  const hostile = 'spiffe://prod.acme.com/odd';
  const history = await recorded(t, [
    call({ caller: sleeper, atS: 0 }),
    call({ caller: worker, atS: 1 }),
    call({ caller: worker, resource: 'vault', atS: 2, isDenied: true }),
    call({ caller: hostile, resource: 'a*\\"\n: x', atS: 39 * dayS }),
    call({ caller: worker, atS: 40 * dayS }),
  ]);
  const { filters, code, said } = await makeFilters(t, lines(history), '--dormant-after', '30d');
  assert.deepEqual([code, said], [0, '5 decisions: 1 dormant identities, 3 known pairs\n']);
  for (const filter of filters) assert.equal(z.fromJSONSchema(schemas.filter).safeParse(filter).error, undefined);

  const today = await recorded(t, [
    call({ caller: sleeper }),
    call({ caller: worker }),
    call({ caller: worker, resource: 'vault' }),
    call({ caller: hostile, resource: 'a*\\"\n: x' }),
    call({ caller: hostile, resource: 'abc\\"\n: x' }),
    call({ caller: 'spiffe://prod.acme.com/newcomer', isDenied: true }),
  ]);
  for (const [events, form, id, resource] of [
    [today, nativeForm, 'principal.workload_id', 'resource.name'],
    [asEcs(today), ecsForm, 'user.id', 'service.target.name'],
  ] as const) {
    const finds = (name: string) => {
      const rule = rules.find((one) => one.name === name)!;
      return found(rule, events, form, filters).map((event) => [id, resource].map((path) => at(event, path)));
    };
    assert.deepEqual(finds('postern_dormant_identity_awake'), [[sleeper, 'payments_db']]);
    assert.deepEqual(finds('postern_new_caller_resource_pair'), [
      [worker, 'vault'],
      [hostile, 'abc\\"\ufffd: x'],
    ]);
  }
});

function at(event: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], event);
}

test('without history no identity is dormant and every pair is new', async (t) => {
  const { filters } = await makeFilters(t, '');
  const today = await recorded(t, [call()]);
  const finds = (name: string) => found(rules.find((one) => one.name === name)!, today, nativeForm, filters).length;
  assert.deepEqual([finds('postern_dormant_identity_awake'), finds('postern_new_caller_resource_pair')], [0, 1]);
});

test('lines that are no records are counted and make the exit code 1; a wrong option makes it 2', async (t) => {
  const strange = await makeFilters(t, 'not json\n{"schema":"other"}\n[]\nnull\n');
  assert.deepEqual([strange.code, strange.said.includes('4 lines are no records')], [1, true]);
  assert.equal((await makeFilters(t, '', '--dormant-after', 'soon')).code, 2);
});
