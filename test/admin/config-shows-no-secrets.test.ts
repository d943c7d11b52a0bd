// What of a configuration may be shown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskSecrets } from '../../src/admin/mask-secrets.ts';

const none: ReadonlySet<string> = new Set();
const masked = '[masked]';

const cases: readonly { readonly what: string; readonly config: unknown; readonly shown: unknown }[] = [
  { what: 'a value under `headers`', config: { headers: { 'x-any': 's' } }, shown: { headers: { 'x-any': masked } } },
  { what: 'values deep under `headers`', config: { headers: { a: ['s'] } }, shown: { headers: { a: [masked] } } },
  { what: 'a password', config: { db: { dbPassword: 's' } }, shown: { db: { dbPassword: masked } } },
  { what: 'a token', config: { bearer_token: 's' }, shown: { bearer_token: masked } },
  { what: 'an API key', config: { 'x-api-key': 's' }, shown: { 'x-api-key': masked } },
  {
    what: 'the password of a URL',
    config: { url: 'https://user:s@h:1/p?q' },
    shown: { url: 'https://user:[masked]@h:1/p?q' },
  },
  { what: 'a secret in a map', config: new Map([['authorization', 's']]), shown: { authorization: masked } },
];

for (const { what, config, shown } of cases) {
  test(`${what} is masked`, () => {
    assert.deepEqual(structuredClone(maskSecrets(config, none)), shown);
  });
}

test('what a variable gave is masked wherever it stands, also within a text', () => {
  const config = { url: 'https://h/path/31337/x', list: ['31337'], n: 31337 };
  const shown = maskSecrets(config, new Set(['31337', '']));
  assert.deepEqual(structuredClone(shown), { url: `https://h/path/${masked}/x`, list: [masked], n: 31337 });
});

test('the table of secrets itself is left out', () => {
  const secrets = new Set(['31337']);
  assert.deepEqual(structuredClone(maskSecrets({ a: 1, secrets }, secrets)), { a: 1 });
});

test('what is no secret is shown: paths of key files, lists of header names, lists of token issuers', () => {
  const config = { key: 'tls.key', headers: ['x-tenant'], tokens: [{ issuer: 'https://i' }], credentialCheck: 'bound' };
  assert.deepEqual(structuredClone(maskSecrets(config, none)), config);
});

test('unlimited is said in words, an object of a class as it writes itself, and a name like __proto__ is a name', () => {
  class Id {
    readonly hidden = 'field';
    toString(): string {
      return 'spiffe://a/b';
    }
  }
  const config = JSON.parse('{"__proto__": {"x": 1}}') as Record<string, unknown>;
  config['limit'] = Number.POSITIVE_INFINITY;
  config['id'] = new Id();
  const text = JSON.stringify(maskSecrets(config, none));
  assert.equal(text, '{"__proto__":{"x":1},"limit":"unlimited","id":"spiffe://a/b"}');
});
