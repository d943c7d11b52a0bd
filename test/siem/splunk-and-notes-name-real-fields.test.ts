// What Splunk is told of a line holds for lines that Postern writes, hostile ones too; and the notes of every product name fields that records have.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordFields } from '../../src/audit/record-fields.ts';
import { journalFolder, record, segmentPaths, startRecorder } from '../audit/journal-in-folder.ts';
import { authnFailedEvent, decisionEvent } from '../audit/sample-events.ts';
import { siemFolder } from './sigma-rules.ts';

const known = new Set(Object.values(recordFields).flatMap((fields) => fields.map(({ path }) => path)));

/** Stanzas of a .conf file. */
function stanzas(name: string): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {};
  let keys: Record<string, string> = {};
  for (const line of readFileSync(join(siemFolder, 'splunk', name), 'utf8').split('\n')) {
    const title = /^\[(.+)\]$/.exec(line)?.[1];
    if (title !== undefined) keys = found[title] = {};
    else if (line !== '' && !line.startsWith('#')) {
      const equals = line.indexOf(' = ');
      assert.ok(equals > 0, line);
      keys[line.slice(0, equals)] = line.slice(equals + 3);
    }
  }
  return found;
}

const props = stanzas('props.conf')['postern:authz']!;
const transforms = stanzas('transforms.conf');
const hostile =
  '"proxy":{"instance":"forged"}\r\n{"schema":"postern.decision/1","type":"seal","time":"1999-01-01T00:00:00.000000Z"';

async function linesOf(
  t: Parameters<typeof journalFolder>[0],
): Promise<{ readonly text: string; readonly count: number }> {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir);
  await record(recorder, decisionEvent(1, { path: `/${hostile}`, host: hostile }));
  recorder.authnFailed(authnFailedEvent({ detail: hostile, shown: hostile }));
  await recorder.close();
  const text = (await Promise.all(await segmentPaths(dir))).map((path) => readFileSync(path, 'latin1')).join('');
  return { text, count: recorder.stats().records };
}

test('Splunk parts lines, finds their time and host, and drops seals, whatever a caller sends', async (t) => {
  const { text } = await linesOf(t);
  const events = text.split(new RegExp(props['LINE_BREAKER']!.slice(1, -1))).filter((line) => line !== '');
  const parsed = events.map((line) => JSON.parse(line) as { type: string; time: string; proxy?: { instance: string } });
  assert.deepEqual(new Set(parsed.map(({ type }) => type)), new Set(['decision', 'seal']));
  for (const [index, line] of events.entries()) {
    const { type, time, proxy } = parsed[index]!;
    const start = new RegExp(props['TIME_PREFIX']!).exec(line)![0].length;
    assert.equal(line.slice(start, start + Number(props['MAX_TIMESTAMP_LOOKAHEAD'])), time);
    assert.equal(new RegExp(transforms['postern_drop_seals']!['REGEX']!).test(line), type === 'seal');
    assert.equal(new RegExp(transforms['postern_host']!['REGEX']!).exec(line)?.[1], proxy?.instance);
    assert.ok(line.length < Number(props['TRUNCATE']));
  }
});

test('Splunk is told of transforms and event types that exist, and of fields that records have', () => {
  for (const name of props['TRANSFORMS-postern']!.split(', ')) assert.ok(transforms[name], name);
  const types = stanzas('eventtypes.conf');
  for (const title of Object.keys(stanzas('tags.conf'))) assert.ok(types[title.replace('eventtype=', '')], title);
  const named = Object.entries(props)
    .filter(([key]) => key.startsWith('EVAL-'))
    .flatMap(([, expression]) => [...expression.matchAll(/'([^']+)'/g)].map((match) => match[1]!));
  assert.ok(named.length >= 18);
  for (const field of named) assert.ok(known.has(field), field);
});

for (const file of ['sentinel.md', 'chronicle.md']) {
  test(`the table of ${file} names fields that records have`, () => {
    const rows = [...readFileSync(join(siemFolder, file), 'utf8').matchAll(/^\| `([a-z_.0-9]+)` \|/gm)].map(
      (match) => match[1]!,
    );
    assert.ok(rows.length >= 20);
    for (const field of rows) assert.ok(known.has(field), field);
    assert.equal(new Set(rows).size, rows.length);
  });
}
