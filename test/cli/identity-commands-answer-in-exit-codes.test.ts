// `postern ca` and `postern identity` as a user runs them: files, exit codes, one clear error.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runPostern } from './run-cli.ts';

const cwd = mkdtempSync(join(tmpdir(), 'postern-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

const run = (line: string, more: { input?: string; env?: NodeJS.ProcessEnv } = {}) =>
  runPostern(line.split(' '), { cwd, ...more });

const config = `version: 1
identity:
  source: files
  files: { cert: api/tls.crt, key: api/tls.key, bundle: api/bundle.pem }
inbound:
  - { name: api, listen: 127.0.0.1:8443, protocol: http, forward: "http://127.0.0.1:8080" }
policy: { paths: [policies/] }
audit: { journal: { dir: journal } }
`;

before(async () => {
  const made = await run('ca init --dir ca --trust-domain prod.acme.com');
  assert.deepEqual({ code: made.code, stderr: made.stderr }, { code: 0, stderr: '' });
  const issued = await run(
    'ca issue --dir ca --spiffe-id spiffe://prod.acme.com/ns/payments/api --out api --ttl 10m --dns localhost --ip 127.0.0.1 --json',
  );
  assert.equal(issued.code, 0, issued.stderr);
  assert.equal(JSON.parse(issued.stdout).id, 'spiffe://prod.acme.com/ns/payments/api');
  mkdirSync(join(cwd, 'policies'));
  writeFileSync(join(cwd, 'postern.yaml'), config);
});

test('an issued key is for its owner alone', () => {
  assert.equal(statSync(join(cwd, 'api/tls.key')).mode & 0o777, 0o600);
});

test('an issued certificate is accepted, exit code 0, in text and JSON', async () => {
  const text = await run('identity inspect api/tls.crt --bundle api/bundle.pem');
  assert.equal(text.code, 0, text.stderr);
  assert.match(
    text.stdout,
    /names +uri:spiffe:\/\/prod\.acme\.com\/ns\/payments\/api, dns:localhost, ip:127\.0\.0\.1\n/,
  );
  assert.match(text.stdout, /\naccepted as client and server\n$/);
  const json = JSON.parse((await run('identity inspect api/tls.crt --json --as client')).stdout);
  assert.deepEqual({ accepted: json.accepted, findings: json.findings }, { accepted: true, findings: [] });
});

test('a certificate that would be refused is exit code 1, with every reason and mend', async () => {
  const { code, stdout } = await run('identity inspect api/bundle.pem');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /refused: it may act as a CA \(CA:TRUE\) \[leaf_is_ca\]; issue it with basicConstraints CA:FALSE\n/,
  );
  assert.match(stdout, /\nrefused as client and server/);
});

test('a bundle of another trust domain is named as such, and does not vouch', async () => {
  const { code, stdout } = await run('identity inspect api/tls.crt --bundle partner.example=api/bundle.pem');
  assert.equal(code, 1);
  assert.match(stdout, /\[trust_domain_unknown\]/);
});

test('the own identity is shown, without its key', async () => {
  const { code, stdout } = await run('identity show -c postern.yaml');
  assert.equal(code, 0);
  assert.match(stdout, /spiffe:\/\/prod\.acme\.com\/ns\/payments\/api/);
  assert.match(stdout, /bundle of prod\.acme\.com \(own\)/);
  const json = JSON.parse((await run('identity show --json')).stdout);
  assert.equal(json.spiffe_id, 'spiffe://prod.acme.com/ns/payments/api');
  assert.ok(!JSON.stringify(json).includes('PRIVATE'));
});

const faults: readonly [what: string, line: string, code: number, message: RegExp, env?: NodeJS.ProcessEnv][] = [
  ['a file that is not there', 'identity inspect nowhere.crt', 3, /ERR_IDENTITY_FILE/],
  [
    'a file that is no certificate',
    'identity inspect postern.yaml',
    2,
    /`postern\.yaml` is not PEM \[ERR_SVID_CERTIFICATE\]/,
  ],
  ['a role that is none', 'identity inspect api/tls.crt --as judge', 2, /Allowed choices are client, server, both/],
  ['a second CA in one folder', 'ca init --dir ca --trust-domain prod.acme.com', 2, /holds a CA already/],
  [
    'a folder without a CA',
    'ca issue --dir none --spiffe-id spiffe://prod.acme.com/x --out x',
    2,
    /holds no CA.*postern ca init/,
  ],
  [
    'an identity of another domain',
    'ca issue --dir ca --spiffe-id spiffe://b.example/x --out x',
    2,
    /is not of trust domain prod\.acme\.com/,
  ],
  [
    'a lifetime without a unit',
    'ca issue --dir ca --spiffe-id spiffe://prod.acme.com/x --out x --ttl 60',
    2,
    /is not a duration/,
  ],
  [
    'production',
    'ca init --dir other --trust-domain prod.acme.com',
    2,
    /ERR_DEV_CA_PRODUCTION/,
    { NODE_ENV: 'production' },
  ],
];

for (const [what, line, code, message, env] of faults) {
  test(`${what}: exit code ${code} and one line that says so`, async () => {
    const outcome = await run(line, env === undefined ? {} : { env });
    assert.equal(outcome.code, code, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.equal(outcome.stderr.trimEnd().split('\n').length, 1);
    assert.equal(outcome.stdout, '');
  });
}

test('a partner that withdrew all its keys is shown as accepting nobody, and `check` warns of it', async () => {
  writeFileSync(join(cwd, 'partner.json'), '{"keys":[]}');
  const federation = '  federation: [{ trust_domain: partner.example, bundle: { file: partner.json } }]\ninbound:';
  writeFileSync(join(cwd, 'federated.yaml'), config.replace('inbound:', federation));
  const shown = await run('identity show -c federated.yaml');
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /bundle of partner\.example\n +no authority: nobody of it is accepted\n/);
  assert.match((await run('check -c federated.yaml')).stdout, /partner\.example.*ERR_TRUST_BUNDLE_EMPTY/);
});

test('by a configuration it is judged whole: by the bundles and revocations that are in force there', async () => {
  const inspect = 'identity inspect api/tls.crt -c revoking.yaml';
  writeFileSync(
    join(cwd, 'revoking.yaml'),
    config.replace('[policies/]', '[policies/], revocations: revocations.yaml'),
  );
  writeFileSync(join(cwd, 'revocations.yaml'), 'revocations: []\n');
  assert.match((await run(inspect)).stdout, /\naccepted as client and server\n$/);
  assert.equal((await run('inventory revoke -c revoking.yaml --cert api/tls.crt --reason lost')).code, 0);
  const revoked = await run(inspect);
  assert.equal(revoked.code, 1);
  assert.match(revoked.stdout, /refused: revoked by fingerprint_sha256 [0-9a-f]{64}: lost \[revoked\]/);
  writeFileSync(join(cwd, 'nobody.yaml'), config.replace('api/tls.key', 'api/none.key'));
  const unjudged = await run('identity inspect api/tls.crt -c nobody.yaml');
  assert.equal(unjudged.code, 0, unjudged.stderr);
  assert.match(unjudged.stderr, /warning: the issuer is not judged.*none\.key.*\[ERR_IDENTITY_FILE\]/);
});

test('stdin is read for `-`', async () => {
  const { code, stderr } = await run('identity inspect -', { input: 'rubbish' });
  assert.equal(code, 2);
  assert.match(stderr, /is not PEM/);
});
