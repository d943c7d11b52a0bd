// `identity.tokens` and `identity_required`: what a row means, and each way to get it wrong.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { changed, findingsOf, parse, refusalOf } from './sample-config.ts';

const tokens = (rows: string): string => changed('  source:', `  tokens: [${rows}]\n  source:`);
const oidc = 'issuer: "https://ci.example", audience: [api]';
const svid = 'profile: jwt_svid, trust_domain: partner.example, audience: [api]';

test('a row of an issuer has every default', () => {
  const { tokens: rows } = parse(tokens(`{ ${oidc} }`)).identity;
  const { algorithms, ...row } = rows[0]!;
  assert.deepEqual(row, {
    profile: 'oidc',
    issuer: 'https://ci.example',
    audience: ['api'],
    type: 'workload',
    spiffeId: null,
    set: {},
    require: {},
    keys: { kind: 'url', url: null, caFile: null, bearerFile: null, refreshMs: 600_000 },
  });
  assert.ok(algorithms.every((name) => !name.startsWith('HS') && (name as string) !== 'none'));
});

test('file names start from the folder of the configuration', () => {
  const rows = `{ ${oidc}, jwks: { ca: ca.crt, bearer_token_file: token } }, { ${svid}, jwks: { file: b.json } }`;
  const [first, second] = parse(tokens(rows)).identity.tokens;
  assert.deepEqual(first?.keys, {
    kind: 'url',
    url: null,
    caFile: '/etc/postern/ca.crt',
    bearerFile: '/etc/postern/token',
    refreshMs: 600_000,
  });
  assert.deepEqual(second?.keys, { kind: 'file', file: '/etc/postern/b.json' });
  assert.equal(second?.issuer, 'partner.example');
});

test('every row of the examples in docs/identity.md is taken', () => {
  const docs = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8');
  const blocks = [...docs.matchAll(/```yaml\n# (?:github-example|token-examples)\nidentity:\n([\s\S]*?)```/g)];
  const rows = blocks.flatMap(([, text]) => parse(changed('identity:\n', `identity:\n${text}`)).identity.tokens);
  assert.equal(rows.length, 4);
});

const wrong: Readonly<Record<string, readonly [text: string, fault: RegExp]>> = {
  'no issuer': [tokens('{ audience: [api] }'), /`profile: oidc` needs `issuer` \[ERR_IDENTITY_TOKENS\]/],
  'no audience': [tokens('{ issuer: "https://ci.example" }'), /`identity.tokens\[0\].audience` is missing/],
  'an empty audience': [tokens('{ issuer: "https://ci.example", audience: [] }'), /audience/],
  HMAC: [tokens(`{ ${oidc}, algorithms: [HS256] }`), /`HS256` is not one of the words allowed here/],
  none: [tokens(`{ ${oidc}, algorithms: [none] }`), /`none` is not one of the words allowed here/],
  'keys over http': [tokens(`{ ${oidc}, jwks: { url: "http://ci.example/keys" } }`), /is not an https address/],
  'keys from two places': [
    tokens(`{ ${oidc}, jwks: { url: "https://a.example/", file: f } }`),
    /both `url` and `file`/,
  ],
  'nowhere to discover keys': [tokens('{ issuer: ci, audience: [api] }'), /no https address to discover keys from/],
  'a trust domain out of a claim': [tokens(`{ ${oidc}, spiffe_id: "spiffe://{td}/x" }`), /no fixed trust domain/],
  'a template that is no ID': [tokens(`{ ${oidc}, spiffe_id: "spiffe://a.example/x y/{sub}" }`), /SPIFFE ID/],
  'a lone brace': [tokens(`{ ${oidc}, spiffe_id: "spiffe://a.example/{sub" }`), /lone brace/],
  'an attribute that is none': [tokens(`{ ${oidc}, set: { namespce: x } }`), /no attribute/],
  'an ID for an SVID': [
    tokens(`{ ${svid}, spiffe_id: "spiffe://a.example/{sub}", jwks: { file: b } }`),
    /names its SPIFFE ID itself/,
  ],
  'an SVID with another algorithm': [
    tokens(`{ ${svid}, algorithms: [EdDSA], jwks: { file: b } }`),
    /not an algorithm of JWT-SVIDs/,
  ],
  'SVIDs without keys': [
    tokens(`{ ${svid} }`),
    /neither `source: files` nor a bundle endpoint gives keys of the JWT-SVIDs of `partner.example`/,
  ],
  'one issuer twice': [tokens(`{ ${oidc} }, { ${oidc} }`), /is for `https:\/\/ci.example` too/],
  'a listener without issuers': [changed('forward:', 'identity_required: token\n    forward:'), /names no issuer/],
};

describe('refused', () => {
  for (const [what, [text, fault]] of Object.entries(wrong)) {
    test(what, () =>
      assert.match(
        refusalOf(text)
          .findings.map(({ message, code }) => `${message} [${code}]`)
          .join('\n'),
        fault,
      ),
    );
  }
});

test('a fault names the line of its row', () => {
  const [finding] = findingsOf(tokens('{ audience: [api] }'));
  assert.match(finding ?? '', /^postern.yaml:3:\d+: error:/);
});
