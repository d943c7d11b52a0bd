import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { compileSources, loadDefaults, loadPolicies, readPolicySources } from '../../src/authz/loader.ts';
import { isPosternError } from '../../src/errors.ts';
import { seedText } from './seed-policy.ts';

const empty = (name: string) => `policy ${name}: { rules: [] }\n`;
let root = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'postern-policies-'));
});
after(() => rm(root, { recursive: true, force: true }));

async function folder(name: string, files: Record<string, string>): Promise<string> {
  const path = join(root, name);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(join(path, file, '..'), { recursive: true });
    await writeFile(join(path, file), text);
  }
  return path;
}

test('a folder is read with its folders, sorted, without tests and without other files', async () => {
  const path = await folder('mixed', {
    'b.yml': empty('b'),
    'a.yaml': empty('a'),
    'sub/c.yaml': empty('c'),
    'a.test.yaml': 'cases: []',
    'readme.md': '#',
    '.hidden.yaml': 'x',
  });
  const files = (await readPolicySources([path])).map(({ file }) => file.slice(path.length + 1));
  assert.deepEqual(files, ['a.yaml', 'b.yml', 'sub/c.yaml']);
});

test('a volume of Kubernetes is read once, through its links', async () => {
  const path = await folder('volume', { '..2026_01_01/a.yaml': empty('a') });
  await symlink('..2026_01_01', join(path, '..data'));
  await symlink('..data/a.yaml', join(path, 'a.yaml'));
  const set = await loadPolicies([path]);
  assert.deepEqual(
    set.policies.map(({ document }) => document.name),
    ['a'],
  );
});

test('a link to the folder that holds it does not go round', async () => {
  const path = await folder('loop', { 'a.yaml': empty('a') });
  await symlink('.', join(path, 'self'));
  await symlink('..', join(path, 'up'));
  assert.equal((await readPolicySources([path])).length, 1);
});

test('an empty file is no policy, since a rewrite in place has a moment without one; a comment is meant', async () => {
  const path = await folder('rewritten', { 'a.yaml': empty('a'), 'b.yaml': '' });
  await assert.rejects(loadPolicies([path]), {
    code: 'ERR_POLICY_UNREADABLE',
    message: /b\.yaml`: empty; one that is/,
  });
  await writeFile(join(path, 'b.yaml'), '# none\n');
  assert.equal((await loadPolicies([path])).policies.length, 1);
});

test('the seed policy loads from its file', async () => {
  const set = await loadPolicies([
    new URL('../fixtures/policies/payment-service-access.yaml', import.meta.url).pathname,
  ]);
  assert.equal(set.ruleCount, 3);
  assert.match(set.digest, /^sha256:[0-9a-f]{64}$/);
});

test('the digest changes with any text and with nothing else', () => {
  const digest = (...texts: string[]) => {
    const result = compileSources(texts.map((text, n) => ({ file: `${Math.random()}${n}.yaml`, text })));
    assert.ok(result.ok);
    return result.set.digest;
  };
  assert.equal(digest(seedText), digest(seedText));
  assert.notEqual(digest(seedText), digest(`${seedText}\n`));
  assert.notEqual(digest(empty('a'), empty('b')), digest(empty('a') + empty('b')));
});

test('one bad file refuses the whole bundle, with the findings of all files together', async () => {
  const path = await folder('bad', {
    'a.yaml': empty('a'),
    'b.yaml': 'policy b: { rule: [] }',
    'c.yaml': 'policy c: [',
  });
  await assert.rejects(loadPolicies([path]), (error) => {
    assert.ok(isPosternError(error, 'ERR_POLICY_INVALID'));
    assert.ok(error.position?.file.endsWith('b.yaml'));
    const files = new Set(error.findings.map(({ position }) => position?.file.at(-6)));
    assert.deepEqual([...files], ['b', 'c']);
    return true;
  });
});

test('two files may not hold a policy of one name', () => {
  const result = compileSources([
    { file: 'a.yaml', text: empty('x') },
    { file: 'b.yaml', text: empty('x') },
  ]);
  assert.ok(!result.ok);
  assert.match(result.findings[0]?.message ?? '', /also in a\.yaml:1/);
});

const unreadable: Record<string, () => Promise<string>> = {
  'a path that is not there': async () => join(root, 'nowhere'),
  'a device': async () => '/dev/null',
  'a link to nothing': async () => {
    const path = await folder('dangling', { 'a.yaml': empty('a') });
    await symlink('gone.yaml', join(path, 'b.yaml'));
    return path;
  },
  'a file larger than 4 MiB': async () =>
    join(await folder('large', { 'a.yaml': '#'.repeat(4 * 1024 * 1024 + 1) }), 'a.yaml'),
  'a file that is not UTF-8': async () => {
    const path = await folder('latin', { 'a.yaml': '' });
    await writeFile(join(path, 'a.yaml'), Buffer.from([0x70, 0xff]));
    return path;
  },
};

for (const [what, make] of Object.entries(unreadable)) {
  test(`${what} is unreadable`, async () => {
    const path = await make();
    await assert.rejects(loadPolicies([path]), (error) => isPosternError(error, 'ERR_POLICY_UNREADABLE'));
  });
}

test('rules that nothing narrows down are refused above their limit', () => {
  const rules = Array.from(
    { length: 11 },
    (_, n) => `    - { name: r${n}, effect: deny, conditions: [context.x == ${n}] }`,
  ).join('\n');
  const sources = [{ file: 'a.yaml', text: `policy p:\n  rules:\n${rules}\n` }];
  assert.ok(compileSources(sources, { ...loadDefaults, maxUnindexedRules: 11 }).ok);
  const refused = compileSources(sources, { ...loadDefaults, maxUnindexedRules: 10 });
  assert.ok(!refused.ok);
  assert.equal(refused.findings[0]?.code, 'E-LIMIT');
});

test('an empty folder is an empty bundle', async () => {
  const path = join(root, 'empty');
  await mkdir(path);
  assert.equal((await loadPolicies([path])).ruleCount, 0);
});
