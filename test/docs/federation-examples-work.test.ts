// The configurations of docs/identity.md about federation and revocation lists are what `check` takes, as they stand.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { runPostern } from '../cli/run-cli.ts';
import { openPolicy } from '../harness/mesh.ts';
import { OpensslCa } from '../harness/openssl-ca.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/identity.md'), 'utf8');

function exampleOf(name: string): string {
  const block = new RegExp(`\`\`\`yaml\\n# ${name}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  assert.ok(block, name);
  return block;
}

test('`check` takes both examples with the files they name, and says which revocation list is not one', async (t) => {
  const dir = temporaryFolder(t);
  const ca = new OpensslCa(dir, { name: 'root', trustDomain: 'prod.acme.com' });
  const own = ca.issue('/ns/payments/api');
  mkdirSync(path.join(dir, 'policies'));
  put(dir, 'policies/open.yaml', openPolicy);
  const files = {
    'tls.crt': own.pem,
    'tls.key': own.keyPem,
    'bundle.pem': ca.pem,
    'partner.pem': ca.pem,
    'ca.crl': ca.crl(),
  };
  for (const [name, text] of Object.entries(files)) put(dir, name, text);
  const rest =
    'inbound: [{ name: api, listen: 127.0.0.1:8443, forward: "http://127.0.0.1:8080" }]\npolicy: { paths: [policies/] }\n';
  const check = (name: string) =>
    runPostern(['check', '-c', put(dir, `${name}.yaml`, `version: 1\n${exampleOf(name)}${rest}`)], { cwd: dir });
  for (const name of ['federation-example', 'crl-example']) {
    const run = await check(name);
    assert.equal(run.code, 0, run.stdout + run.stderr);
  }
  put(dir, 'ca.crl', ca.pem);
  const broken = await check('crl-example');
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /ca\.crl` holds no CRL \[ERR_CRL_INVALID\]/);
});
