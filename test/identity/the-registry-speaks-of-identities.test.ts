// The registry of identities: which row speaks of an ID, what it adds to what rules draw, and that a damaged file is refused
// whole, each fault with its line.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { compileAttributeRules } from '../../src/identity/attributes.ts';
import { givenAttributes } from '../../src/identity/given-attributes.ts';
import { describeAttributes } from '../../src/identity/identity-view.ts';
import { type IdentityRegistry, withRegistry } from '../../src/identity/registry.ts';
import { parseRegistry, registryForm } from '../../src/identity/registry-file.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { WatchedFile } from '../../src/identity/watched-file.ts';
import { matchesGlob } from '../../src/lib/glob.ts';
import { temporaryFolder, until } from './folders.ts';

const api = 'spiffe://prod.acme.com/ns/payments/api';
const rules = [{ match: 'spiffe://{environment}.acme.com/ns/{namespace}/{service}', set: { attestation: 'k8s_sat' } }];

function registry(...rows: readonly string[]): Promise<IdentityRegistry> {
  if (rows.length === 0) return parseRegistry('identities: []\n', 'r.yaml');
  return parseRegistry(`identities:\n${rows.map((row) => `  - ${row}\n`).join('')}`, 'r.yaml');
}

async function ownerOf(rows: readonly string[], id = api): Promise<string | undefined> {
  return (await registry(...rows)).find(SpiffeId.parse(id))?.owner;
}

describe('the row that speaks of an ID is', () => {
  const exact = `{ spiffe_id: "${api}", owner: exact }`;
  const all = '{ spiffe_id: "spiffe://prod.acme.com/**", owner: all }';
  const some = '{ spiffe_id: "spiffe://prod.acme.com/ns/payments/*", owner: some }';
  const piece = '{ spiffe_id: "spiffe://prod.acme.com/ns/pay*/api", owner: piece }';
  const rows: readonly (readonly [what: string, rows: readonly string[], owner: string | undefined])[] = [
    ['its own, wherever it stands', [all, some, exact], 'exact'],
    ['else the first pattern of the file, though it is wider', [all, some], 'all'],
    ['else the first pattern of the file, though its prefix is shorter', [piece, some, all], 'piece'],
    ['not one of another trust domain', ['{ spiffe_id: "spiffe://acme.com/**", owner: x }'], undefined],
    [
      'not a pattern of one segment where the ID has two',
      ['{ spiffe_id: "spiffe://prod.acme.com/ns/*", owner: x }'],
      undefined,
    ],
    ['none where nothing is said', [], undefined],
  ];
  for (const [what, text, owner] of rows) test(what, async () => assert.equal(await ownerOf(text), owner));

  test('the same as by asking one pattern after the other', async () => {
    const segment = fc.constantFrom('a', 'b', '*', 'a*', '**');
    const pattern = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .filter((one) => one.indexOf('**') === one.lastIndexOf('**'));
    const id = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(pattern, { maxLength: 8, selector: (one) => one.join('/') }),
        id,
        async (patterns, path) => {
          const rows = patterns.map(
            (one, at) => `{ spiffe_id: "spiffe://td.example/${one.join('/')}", owner: o${at} }`,
          );
          const all = await registry(...rows);
          const text = `spiffe://td.example/${path.join('/')}`;
          const matching = all.entries.filter((entry) => matchesGlob(entry.glob, text));
          const wanted = matching.find((entry) => entry.glob.literal !== null) ?? matching[0];
          assert.equal(all.find(SpiffeId.parse(text)), wanted ?? null);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('the attributes of an ID', () => {
  const attributesOf = async (row: string, id = api) =>
    describeAttributes(withRegistry(compileAttributeRules(rules), await registry(row))(SpiffeId.parse(id)));

  test('are those of the rules, and over them those that its row gives', async () => {
    const row = `{ spiffe_id: "${api}", owner: team-a, purpose: "takes money", attestation: tpm_devid, labels: { tier: gold, service: other } }`;
    assert.deepEqual(await attributesOf(row), {
      namespace: 'payments',
      service_account: null,
      environment: 'prod',
      attestation: 'tpm_devid',
      labels: { service: 'other', tier: 'gold', owner: 'team-a', purpose: 'takes money' },
    });
  });

  test('may be another environment, namespace and service account than the ID says', async () => {
    const row = `{ spiffe_id: "${api}", environment: dr, namespace: n, service_account: s }`;
    const { environment, namespace, service_account } = await attributesOf(row);
    assert.deepEqual([environment, namespace, service_account], ['dr', 'n', 's']);
  });

  test('stay those of the rules without a row', async () => {
    assert.equal((await attributesOf(`{ spiffe_id: "${api}x", attestation: tpm_devid }`)).attestation, 'k8s_sat');
  });

  test('that anybody can have are those of rules and rows', async () => {
    const given = givenAttributes(
      { attributes: rules, tokens: [{ set: { 'labels.repo': '{r}' } }] },
      await registry('{ spiffe_id: "spiffe://a/b", owner: x, labels: { tier: "1" } }'),
    );
    const wanted = [
      'attestation',
      'environment',
      'labels.owner',
      'labels.repo',
      'labels.service',
      'labels.tier',
      'namespace',
      'service_account',
    ];
    assert.deepEqual([...given].sort(), wanted);
  });
});

describe('a registry is refused for', () => {
  const rows: readonly (readonly [what: string, text: string, findings: readonly string[]])[] = [
    ['an empty file', '', ['1:1 no single mapping']],
    ['another root', 'identity: []\n', ['1:1 unknown key', '1:1 no list']],
    ['a root with more than the list', 'identities: []\nowner: x\n', ['2:1 unknown key']],
    ['two documents', 'identities: []\n---\nidentities: []\n', ['1:1 no single mapping']],
    ['no YAML', 'identities: [\n', ['2:1 ']],
    ['an alias', 'identities: [*x]\n', ['1:']],
    ['a key twice', `identities:\n  - { spiffe_id: "${api}", owner: a, owner: b }\n`, ['2:']],
    ['a row that is no mapping', 'identities:\n  - x\n', ['2:5 a row that is no mapping']],
    ['a row without an ID', 'identities:\n  - { owner: a, purpose: b }\n', ['2:5 `spiffe_id` is missing']],
    ['a row that says nothing', `identities:\n  - { spiffe_id: "${api}" }\n`, ['2:5 a row that says nothing']],
    ['a misspelt key', `identities:\n  - spiffe_id: "${api}"\n    enviroment: prod\n`, ['3:5 unknown key']],
    ['a value that is no text', `identities:\n  - spiffe_id: "${api}"\n    owner: 17\n`, ['3:12 `owner` is no text']],
    ['an empty value', `identities:\n  - spiffe_id: "${api}"\n    owner:\n`, ['3:']],
    [
      'a value beyond measure',
      `identities:\n  - spiffe_id: "${api}"\n    owner: ${'x'.repeat(257)}\n`,
      ['3:12 `owner` is longer'],
    ],
    ['labels that are no mapping', `identities:\n  - { spiffe_id: "${api}", labels: [a] }\n`, ['2:']],
    [
      'a label that is no text',
      `identities:\n  - spiffe_id: "${api}"\n    labels: { tier: 1 }\n`,
      ['3:21 `labels.tier` is no text'],
    ],
    ['an owner among the labels', `identities:\n  - { spiffe_id: "${api}", labels: { owner: a } }\n`, ['2:']],
    [
      'a label name with a space',
      `identities:\n  - spiffe_id: "${api}"\n    labels: { "a b": x }\n`,
      ['3:15 label name'],
    ],
    [
      'a pattern over trust domains',
      'identities:\n  - { spiffe_id: "spiffe://*.acme.com/a", owner: x }\n',
      ['2:18 `spiffe_id`'],
    ],
    ['what no ID can match', 'identities:\n  - { spiffe_id: "spiffe://A/b", owner: x }\n', ['2:18 `spiffe_id`']],
    [
      'two rows of one pattern',
      `identities:\n  - { spiffe_id: "${api}", owner: a }\n  - { spiffe_id: "${api}", owner: b }\n`,
      ['3:5 `'],
    ],
  ];
  for (const [what, text, wanted] of rows) {
    test(what, async () => {
      const error = await parseRegistry(text, 'r.yaml').then(
        () => assert.fail('it was read'),
        (thrown: unknown) => thrown,
      );
      assert.ok(isPosternError(error, 'ERR_REGISTRY_INVALID'));
      const found = error.findings.map(({ position, message }) => `${position?.line}:${position?.column} ${message}`);
      assert.equal(found.length, wanted.length, found.join('\n'));
      for (const [at, start] of wanted.entries()) assert.ok(found[at]?.startsWith(start) === true, `${found[at]}`);
    });
  }
});

test('ten thousand rows are read in parts to the same as whole, with the line of a fault, and found at once', async () => {
  const rows = Array.from(
    { length: 10_000 },
    (_, n) => `  - spiffe_id: "spiffe://prod.acme.com/ns/n${n}/*"\n    owner: o${n}\n`,
  );
  const text = `# ours\nidentities:\n${rows.join('')}`;
  const plain = await parseRegistry(text, 'r.yaml');
  assert.equal(plain.size, 10_000);
  assert.equal(plain.find(SpiffeId.parse('spiffe://prod.acme.com/ns/n9999/api'))?.owner, 'o9999');
  const broken = text.replace('owner: o9000\n', 'ownr: o9000\n');
  await assert.rejects(parseRegistry(broken, 'r.yaml'), (error) => {
    assert.ok(isPosternError(error));
    assert.deepEqual(
      error.findings.map(({ position }) => position?.line),
      [2 + 9_000 * 2 + 2],
    );
    return true;
  });
});

test('a file that changes is in force, one that is damaged changes nothing, and a prepared one waits for its commit', async () => {
  const file = join(temporaryFolder(), 'identities.yaml');
  const write = (owner: string) => writeFileSync(file, `identities:\n  - { spiffe_id: "${api}", owner: ${owner} }\n`);
  const refused: (string | undefined)[] = [];
  write('first');
  const source = await WatchedFile.open(registryForm, {
    file,
    pollMs: 20,
    onRefused: ({ code }) => void refused.push(code),
    onChanged: () => {},
    onListenerError: assert.ifError,
  });
  const owner = () => source.current.find(SpiffeId.parse(api))?.owner;
  try {
    assert.equal(owner(), 'first');
    write('second');
    await until(() => owner() === 'second', 'the second is in force');
    writeFileSync(file, 'identities: 7\n');
    await until(() => refused.length > 0, 'the damage is told');
    assert.deepEqual(
      [owner(), new Set(refused), source.refused > 0],
      ['second', new Set(['ERR_REGISTRY_INVALID']), true],
    );
    write('third');
    await until(() => owner() === 'third', 'the third is in force');
    const prepared = await source.prepare(null);
    assert.equal(owner(), 'third');
    await prepared.commit();
    assert.equal(source.current.size, 0);
  } finally {
    await source.close();
  }
});

test('what is written between the reading of a reload and its commit is in force, and not what the reload read', async () => {
  const file = join(temporaryFolder(), 'identities.yaml');
  const write = (owner: string) => writeFileSync(file, `identities:\n  - { spiffe_id: "${api}", owner: ${owner} }\n`);
  write('first');
  const options = { file, pollMs: 20, onRefused: assert.ifError, onChanged: () => {}, onListenerError: assert.ifError };
  const source = await WatchedFile.open(registryForm, options);
  const owner = () => source.current.find(SpiffeId.parse(api))?.owner;
  try {
    const prepared = await source.prepare(file);
    write('newer');
    await until(() => owner() === 'newer', 'the watch has seen it');
    const owners: unknown[] = [];
    source.subscribe(() => void owners.push(owner()));
    await prepared.commit();
    await source.close();
    assert.deepEqual([owner(), owners], ['newer', []]);
  } finally {
    await source.close();
  }
});
