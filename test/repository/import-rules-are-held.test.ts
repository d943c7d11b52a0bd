import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findViolations } from '../../scripts/check-imports.ts';

/** The violations of a tree of the given files. */
function violationsOf(files: Readonly<Record<string, string>>): readonly string[] {
  return findViolations(new Map(Object.entries(files)));
}

const refused: readonly {
  readonly why: string;
  readonly file: string;
  readonly text: string;
  readonly says: RegExp;
}[] = [
  {
    why: 'identity importing policy',
    file: 'src/identity/svid.ts',
    text: "import type { Decision } from '../authz/model.ts';",
    says: /identity may not import src\/authz\/model\.ts; a leaf/,
  },
  {
    why: 'the proxy importing the engine as a value',
    file: 'src/proxy/judge.ts',
    text: "import { authorize } from '../authz/engine.ts';",
    says: /only types of src\/authz\/engine\.ts/,
  },
  {
    why: 'a dynamic import across folders',
    file: 'src/authz/engine.ts',
    text: "const { journal } = await import('../audit/journal.ts');",
    says: /authz may not import/,
  },
  {
    why: 'a module importing the configuration',
    file: 'src/proxy/a.ts',
    text: "import { load } from '../config/load.ts';",
    says: /may not import/,
  },
  {
    why: 'sockets in the codec',
    file: 'src/wire/head.ts',
    text: "import { connect } from 'node:net';",
    says: /imports node:net; pure/,
  },
  {
    why: 'the environment in a module',
    file: 'src/proxy/a.ts',
    text: 'const x = process.env.HOME;',
    says: /process\.env/,
  },
  {
    why: 'the machine clock in a module',
    file: 'src/proxy/a.ts',
    text: '\nconst x = Date.now();',
    says: /a\.ts:2: `Date\.now\(`/,
  },
  { why: 'a timer in a module', file: 'src/audit/a.ts', text: 'setTimeout(flush, 10);', says: /setTimeout/ },
  {
    why: 'a barrel',
    file: 'src/wire/all.ts',
    text: "export * from './a.ts';\nexport { b } from './b.ts';",
    says: /a barrel/,
  },
];

for (const { why, file, text, says } of refused) {
  test(`finds ${why}`, () => {
    const violations = violationsOf({ [file]: text });
    assert.equal(violations.length, 1, violations.join('\n'));
    assert.match(violations[0] ?? '', says);
  });
}

test('finds a cycle of three files and names them in order', () => {
  const violations = violationsOf({
    'src/wire/a.ts': "import { b } from './b.ts';",
    'src/wire/b.ts': "import { c } from './c.ts';",
    'src/wire/c.ts': "import type { A } from './a.ts';",
  });
  assert.equal(violations.length, 1);
  assert.match(violations[0] ?? '', /src\/wire\/a\.ts -> src\/wire\/b\.ts -> src\/wire\/c\.ts -> src\/wire\/a\.ts/);
});

const allowed: readonly { readonly why: string; readonly file: string; readonly text: string }[] = [
  {
    why: 'types of the policy in the proxy',
    file: 'src/proxy/a.ts',
    text: "import { type A, type B } from '../authz/model.ts';",
  },
  {
    why: 'errors and lib everywhere',
    file: 'src/wire/a.ts',
    text: "import { E } from '../errors.ts';\nimport { c } from '../lib/clock.ts';",
  },
  { why: 'a banned name in a comment', file: 'src/wire/a.ts', text: '// not Date.now() here\n/* nor setTimeout( */' },
  { why: 'the environment in the configuration', file: 'src/config/a.ts', text: 'const x = process.env.HOME;' },
];

for (const { why, file, text } of allowed) {
  test(`accepts ${why}`, () => {
    assert.deepEqual(violationsOf({ [file]: text }), []);
  });
}
