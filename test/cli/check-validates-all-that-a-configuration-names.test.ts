// `postern check`: one line a finding, exit code 1 on errors, nothing started or made.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { smallest } from '../config/sample-config.ts';
import { runPostern } from './run-cli.ts';

const cwd = mkdtempSync(join(tmpdir(), 'postern-check-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

const policy =
  'policy "p":\n  principals: { type: workload }\n  rules:\n    - { name: r, effect: allow, actions: [read], resources: { type: service } }\n';
const withDevCa = smallest
  .replace('source: files', 'source: dev-ca\n  dev_ca: { dir: ca, spiffe_id: "spiffe://a.example/ns/x/y" }')
  .replace('[policies/]', '[p.yaml]');

function write(name: string, text: string): void {
  writeFileSync(join(cwd, name), text);
}

test('a fit configuration is told so in one line, exit code 0, and no CA is made', async () => {
  write('p.yaml', policy);
  write('postern.yaml', withDevCa);
  const { code, stdout, stderr } = await runPostern(['check'], { cwd });
  assert.deepEqual([code, stdout, stderr], [0, 'postern.yaml: fit to run (1 listener, 1 policy, 1 rule)\n', '']);
  assert.equal(existsSync(join(cwd, 'ca')), false);
});

test('a configuration with faults gives one line for each, exit code 1', async () => {
  write('broken.yaml', `${smallest.replace('listen:', 'lisen:')}inventory: { dormant_after: 90d }\n`);
  const { code, stdout, stderr } = await runPostern(['check', '-c', 'broken.yaml'], { cwd });
  assert.deepEqual([code, stderr], [1, '']);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    ['broken.yaml:7:5:', 'broken.yaml:11:14:'],
  );
});

test('missing files of identity, tokens and policies are told at the keys that name them', async () => {
  const rows =
    '{ issuer: i, audience: [a], jwks: { file: keys.json } }, { issuer: "https://i", audience: [a], jwks: { ca: ca.crt } }';
  write('files.yaml', smallest.replace('inbound:', `  tokens: [${rows}]\ninbound:`));
  const { code, stdout } = await runPostern(['check', '-c', 'files.yaml'], { cwd });
  assert.equal(code, 1);
  assert.match(stdout, /^files\.yaml:4:10: error: .*tls\.crt.* \[ERR_IDENTITY_FILE\]/m);
  assert.match(stdout, /^files\.yaml:5:\d+: error: .*keys\.json` cannot be read \(ENOENT\) \[ERR_TOKEN_KEYS\]/m);
  assert.match(stdout, /^files\.yaml:5:\d+: warning: .*ca\.crt` is not there \[ERR_TOKEN_KEYS\]/m);
  assert.match(stdout, /^files\.yaml:11:10: error: .*policies.* \[ERR_POLICY_UNREADABLE\]/m);
});

test('a fault in a policy is told at its own line', async () => {
  write('bad.yaml', policy.replace('effect: allow', 'effect: alow'));
  write('with-bad.yaml', withDevCa.replace('[p.yaml]', '[p.yaml, bad.yaml]'));
  const { code, stdout } = await runPostern(['check', '-c', 'with-bad.yaml'], { cwd });
  assert.equal(code, 1);
  assert.match(stdout, /^bad\.yaml:4:\d+: error: /m);
});

test('a fault in a candidate policy counts too', async () => {
  write('bad.yaml', policy.replace('effect: allow', 'effect: alow'));
  write('shadow.yaml', withDevCa.replace('paths: [p.yaml]', 'paths: [p.yaml]\n  shadow: [bad.yaml]'));
  assert.equal((await runPostern(['check', '-c', 'shadow.yaml'], { cwd })).code, 1);
});

test('--json prints one object with findings and places', async () => {
  const { code, stdout } = await runPostern(['check', '-c', 'broken.yaml', '--json'], { cwd });
  const answer = JSON.parse(stdout) as { ok: boolean; findings: { code: string; position: { line: number } }[] };
  assert.deepEqual([code, answer.ok], [1, false]);
  assert.deepEqual(
    answer.findings.map((finding) => [finding.code, finding.position.line]),
    [
      ['ERR_CONFIG_KEY', 7],
      ['ERR_CONFIG_NOT_YET', 11],
    ],
  );
});

test('a warning leaves exit code 0, and 1 under --strict', async () => {
  const routes = 'routes: [{ match: {} }, { match: { path: /a } }]\n    forward:';
  write('warned.yaml', withDevCa.replace('forward:', routes));
  const lax = await runPostern(['check', '-c', 'warned.yaml'], { cwd });
  assert.equal(lax.code, 0);
  assert.match(lax.stdout, /^warned\.yaml:\d+:\d+: warning: this route never matches/);
  assert.equal((await runPostern(['check', '-c', 'warned.yaml', '--strict'], { cwd })).code, 1);
});

test('settings of which one leaves nothing of the other are warned of: plain callers, and peers of no bundle', async () => {
  const ca = await createDevCa({ dir: join(cwd, 'made'), trustDomain: 'prod.acme.com' });
  const svid = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/api' });
  write('tls.crt', svid.certChainPem);
  writeFileSync(join(cwd, 'tls.key'), svid.keyPem, { mode: 0o600 });
  write('bundle.pem', ca.bundlePem);
  const outbound = (accept: string): string =>
    `outbound:\n  - { name: out, listen: "127.0.0.1:7001", to: ["o:1"], accept: [${accept}] }\n`;
  const ids = '"spiffe://prod.acme.com/ns/*", "spiffe://partner.example/x", "spiffe://typo.example/x"';
  const federation =
    '  federation: [{ trust_domain: partner.example, bundle: { url: "https://b.example/", profile: https_web } }]\n';
  const attributes =
    '  attributes: [{ match: "spiffe://{environment}.acme.com/ns/{namespace}/{name}", set: { attestation: x509 } }]\n';
  const config = `${smallest.replace('[policies/]', '[p.yaml]')}${outbound(ids)}`
    .replace('inbound:', `${federation}${attributes}inbound:`)
    .replace('forward:', 'plaintext: permit\n    forward:');
  write('p.yaml', policy);
  write('settings.yaml', config);
  const { code, stdout } = await runPostern(['check', '-c', 'settings.yaml'], { cwd });
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.includes('warning')),
    [
      'settings.yaml:10:16: warning: `environment_boundary: deny` denies every plain caller of `api`, whatever rules say [ERR_CONFIG_CONFLICT]; write `policy.environment_boundary: alarm` for as long as `plaintext: permit` stands',
      'settings.yaml:15:127: warning: `out` accepts servers of `typo.example`, but there is no bundle of that trust domain [ERR_CONFIG_CONFLICT]; correct the name, or add the trust domain with its bundle to `identity.federation`',
    ],
  );
  assert.equal(code, 0);
});

test('schema prints the JSON Schema', async () => {
  const { code, stdout } = await runPostern(['schema'], { cwd });
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as { $schema: string }).$schema, 'https://json-schema.org/draft/2020-12/schema');
});
