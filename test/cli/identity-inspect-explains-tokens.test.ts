// `postern identity inspect` of a token: who it is, whom it names, and every reason why it would be refused.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CliIo } from '../../src/cli/cli-io.ts';
import { formatToken, inspectTokenText } from '../../src/cli/inspect-token.ts';
import { createPaint } from '../../src/lib/paint.ts';
import { freshClaims, type SigningKey, signingKey, signToken } from '../harness/token-issuer.ts';
import { runPostern } from './run-cli.ts';

const cwd = mkdtempSync(join(tmpdir(), 'postern-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));
const run = (line: string, input?: string) =>
  runPostern(line.split(' '), { cwd, ...(input === undefined ? {} : { input }) });
let key: SigningKey;
let claims: Record<string, unknown>;

before(async () => {
  key = await signingKey('key-1');
  claims = freshClaims(Date.now(), {
    iss: 'https://ci.example',
    aud: 'api',
    sub: 'job:1',
    repository: 'acme/shop',
    act: { sub: 'agent-7' },
  });
  writeFileSync(join(cwd, 'keys.json'), JSON.stringify({ keys: [key.jwk] }));
  writeFileSync(
    join(cwd, 'postern.yaml'),
    `version: 1
identity:
  source: files
  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }
  tokens:
    - issuer: https://ci.example
      audience: [api]
      jwks: { file: keys.json }
      type: ci_job
      spiffe_id: spiffe://ci.acme.com/{repository...}
      set: { environment: prod }
inbound: [{ name: api, listen: 127.0.0.1:8443, identity_required: token, forward: "http://127.0.0.1:8080" }]
policy: { paths: [policies/] }
`,
  );
});

test('by a configuration: accepted, with whom it names', async () => {
  const token = await signToken(key, claims);
  writeFileSync(join(cwd, 'token.txt'), `${token}\n`);
  const { code, stdout, stderr } = await run('identity inspect token.txt -c postern.yaml');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /identity +spiffe:\/\/ci\.acme\.com\/acme\/shop\n/);
  assert.match(stdout, /acted by +agent-7\n[\s\S]*type +ci_job\n[\s\S]*attributes +environment=prod\n/);
  assert.match(stdout, /\naccepted\n$/);
  for (const piece of token.split('.')) assert.ok(!stdout.includes(piece));
});

/** As the command does, without a process for each case. */
async function inspect(token: string, configFile: string | null) {
  const io = { cwd, env: {}, err: assert.fail } as unknown as CliIo;
  const inspection = await inspectTokenText(token, configFile, io);
  return { accepted: inspection.accepted, text: formatToken(inspection, createPaint(false)) };
}

test('every reason at once', async () => {
  const other = await signingKey('key-1');
  const token = await signToken(other, { ...claims, aud: 'x', exp: 1_700_000_000, repository: 'a/../b' });
  const { accepted, text } = await inspect(token, 'postern.yaml');
  assert.equal(accepted, false);
  for (const cause of ['audience_mismatch', 'expired', 'signature_invalid', 'claim_unfit']) {
    assert.match(text, new RegExp(`refused: .*\\[${cause}\\]; `));
  }
  assert.match(text, /\nrefused\n$/);
});

test('without a configuration it says what the token says, and that nobody vouches for it', async () => {
  const good = await inspect(await signToken(key, claims), null);
  assert.equal(good.accepted, true);
  assert.match(good.text, /subject +job:1\n[\s\S]*accepted; who issued it was not judged \(give -c postern\.yaml\)\n$/);
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  const bad = await inspect(`${none}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`, null);
  assert.equal(bad.accepted, false);
  assert.match(bad.text, /\[algorithm_refused\]/);
});

test('a token of an issuer that the configuration does not name; exit code 1', async () => {
  const token = await signToken(key, { ...claims, iss: 'https://b.example', sub: 'a\u001b[31m' });
  const { code, stdout } = await run('identity inspect - -c postern.yaml', `Authorization: Bearer ${token}`);
  assert.equal(code, 1);
  assert.match(stdout, /\[issuer_unknown\]; add the issuer to `identity.tokens`/);
  assert.ok(!stdout.includes('\u001b'), 'a claim sends nothing to the terminal');
});

test('anything signed or not gives an answer', async () => {
  for (const odd of [
    { sub: 1 },
    { aud: {} },
    { exp: null },
    { act: [] },
    { iss: {} },
    { sub: 'spiffe://a.example/x' },
    {},
  ]) {
    const { accepted } = await inspect(await signToken(key, { ...claims, ...odd }), null);
    assert.equal(
      accepted,
      JSON.stringify(odd) === '{}' || 'iss' in odd || ('sub' in odd && typeof odd.sub === 'string'),
    );
  }
});
