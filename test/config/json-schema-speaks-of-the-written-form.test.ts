// The JSON Schema for editors: it takes what the loader takes, refuses what an editor should underline, and says of each
// key what it means.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { configJsonSchema, type JsonSchema } from '../../src/config/json-schema.ts';
import { schemaFaults } from './json-schema-check.ts';
import { changed, smallest } from './sample-config.ts';

const schema = configJsonSchema();

const taken: Readonly<Record<string, string>> = {
  'the example': readFileSync('docs/examples/postern.yaml', 'utf8'),
  'the smallest configuration': smallest,
  'a journal that is off': `${smallest}audit: { journal: off }`,
  'a list of actions': changed('forward:', 'action: [read, write]\n    forward:'),
  'limits without end': changed(
    'forward:',
    'limits: { idle: 1h30m, body_bytes: unlimited, request: unlimited }\n    forward:',
  ),
  'an agent': changed(
    'source: files',
    'source: workload-api\n  workload_api: { socket: "unix:///run/agent.sock", hint: internal }',
  ),
  'the embedded CA': changed('source: files', 'source: dev-ca\n  dev_ca: { spiffe_id: "spiffe://a.example/x" }'),
};

const refused: Readonly<Record<string, readonly [text: string, fault: string]>> = {
  'an unknown key': [changed('listen:', 'lisen:'), '$.inbound[0]: unknown key lisen'],
  'a missing key': [changed('    forward: http://127.0.0.1:8080\n', ''), '$.inbound[0]: lacks forward'],
  'a key of a later version': [
    `${smallest}inventory: { dormant_after: 90d }`,
    '$.inventory.dormant_after: not allowed',
  ],
  'a word that is none': [changed('source: files', 'source: spire'), '$.identity.source: not in enum'],
  'a duration without a unit': [`${smallest}shutdown: { drain: 30 }`, '$.shutdown.drain: not string'],
  'too large a number': [
    changed('forward:', 'limits: { headers: 99999 }\n    forward:'),
    '$.inbound[0].limits.headers: out of range',
  ],
};

describe('the JSON Schema takes', () => {
  for (const [what, text] of Object.entries(taken)) {
    test(what, () => assert.deepEqual(schemaFaults(parseYaml(text), schema), []));
  }
});

describe('the JSON Schema refuses', () => {
  for (const [what, [text, fault]] of Object.entries(refused)) {
    test(what, () => assert.ok(schemaFaults(parseYaml(text), schema).includes(fault)));
  }
});

test('every key says what it means, and every default is valid by its own schema', () => {
  const queue: [place: string, part: JsonSchema][] = [['$', schema]];
  const silent: string[] = [];
  for (const [place, part] of queue) {
    for (const [key, property] of Object.entries(part.properties ?? {})) {
      if (property.description === undefined) silent.push(`${place}.${key}`);
      if (property.default !== undefined) assert.deepEqual(schemaFaults(property.default, property), []);
      queue.push([`${place}.${key}`, property]);
    }
    if (part.items !== undefined) queue.push([`${place}[]`, part.items]);
    queue.push(...(part.anyOf ?? []).map((branch): [string, JsonSchema] => [place, branch]));
  }
  assert.deepEqual(silent, []);
});
