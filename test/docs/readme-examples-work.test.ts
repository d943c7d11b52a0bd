// What the README shows is what Postern takes: its configuration and policy are checked by the program, its links and
// commands exist, and the demo's seed policy is the design's.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { seedPolicyYaml } from '../../src/demo/seed-policy.ts';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';
import { program } from '../program.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!);
}

test('the configuration and the policy of the README pass `postern check`', async (t) => {
  const dir = temporaryFolder(t);
  const [config, policy] = blocks('yaml');
  const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'prod.acme.com' });
  const own = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/server' });
  put(dir, 'tls.crt', own.certChainPem);
  put(dir, 'tls.key', own.keyPem);
  put(dir, 'bundle.pem', ca.bundlePem);
  mkdirSync(path.join(dir, 'policies'));
  put(dir, 'policies/payments.yaml', policy!);
  const file = put(dir, 'postern.yaml', config!);
  const run = spawnSync(process.execPath, [program, 'check', '-c', file], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
});

test('every link of the README leads somewhere', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)/g)].map((match) => match[1]!).filter((link) => !link.includes('://'));
  assert.ok(links.length > 10);
  for (const link of links) assert.ok(existsSync(path.join(root, link)), link);
});

test('the policy of the demo is the seed policy, byte for byte', () => {
  const fixture = path.join(root, 'test/fixtures/policies/payment-service-access.yaml');
  assert.equal(seedPolicyYaml, readFileSync(fixture, 'utf8'));
});
