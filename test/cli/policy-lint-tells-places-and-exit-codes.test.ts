// `postern policy lint`: a line for each finding, levels that make the exit code, machine-readable forms, and what a
// configuration adds.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { seedText } from '../authz/seed-policy.ts';
import { smallest } from '../config/sample-config.ts';
import { runPostern } from './run-cli.ts';

const cwd = mkdtempSync(join(tmpdir(), 'postern-lint-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

writeFileSync(join(cwd, 'seed.yaml'), seedText);
writeFileSync(join(cwd, 'open.yaml'), 'policy "open":\n  default_decision: allow\n  rules: []\n');
writeFileSync(join(cwd, 'bad.yaml'), seedText.replace('actions:', 'action:'));

function lint(...args: readonly string[]) {
  return runPostern(['policy', 'lint', ...args], { cwd });
}

test('the seed policy has no error, and its retired attestor is told with its place and mend', async () => {
  const { code, stdout, stderr } = await lint('seed.yaml', '--prod');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^seed\.yaml:17:11: info: .*`k8s_sat`.* \[L-ATTEST\]; write `k8s_psat`/m);
  assert.match(stdout, /^errors: 0, warnings: \d+, notes: 1$/m);
});

test('a warning is exit code 0, 1 under --fail-on warn, and an error in production', async () => {
  const [lax, strict, prod, wrong] = await Promise.all([
    lint('open.yaml'),
    lint('open.yaml', '--fail-on', 'warn'),
    lint('open.yaml', '--prod'),
    lint('open.yaml', '--fail-on', 'info'),
  ]);
  assert.deepEqual([lax.code, strict.code, prod.code, wrong.code], [0, 1, 1, 2]);
  assert.match(lax.stdout, /^open\.yaml:1:1: warning: /);
  assert.match(prod.stdout, /^open\.yaml:1:1: error: /);
});

test('what does not load is exit code 1 with every finding', async () => {
  const { code, stdout } = await lint('bad.yaml');
  assert.equal(code, 1);
  assert.match(stdout, /^bad\.yaml:14:7: error: unknown key `action` \[L-KEY\]; did you mean `actions`\?$/m);
});

test('--json and --sarif hold rule, level and place', async () => {
  const [json, sarif] = await Promise.all([lint('seed.yaml', '--json'), lint('seed.yaml', '--sarif')]);
  const { ok, findings } = JSON.parse(json.stdout) as { ok: boolean; findings: Record<string, unknown>[] };
  const attestor = findings.find((finding) => finding['code'] === 'L-ATTEST');
  assert.equal(ok, true);
  assert.deepEqual(attestor?.['position'], { file: 'seed.yaml', line: 17, column: 11 });
  const [run] = (JSON.parse(sarif.stdout) as { runs: { results: Record<string, unknown>[] }[] }).runs;
  const result = run?.results.find(({ ruleId }) => ruleId === 'L-ATTEST');
  assert.equal(result?.['level'], 'note');
  assert.deepEqual(result?.['locations'], [
    { physicalLocation: { artifactLocation: { uri: 'seed.yaml' }, region: { startLine: 17, startColumn: 11 } } },
  ]);
});

test('a configuration adds trust domains, resources and attestation, and names the policies', async () => {
  const [id, dir] = ['spiffe://prod.acme.com/ns/audit/queue', join(cwd, 'ca')];
  const made = await runPostern(['ca', 'init', '--dir', dir, '--trust-domain', 'prod.acme.com'], { cwd });
  assert.equal(made.code, 0, made.stderr);
  const config = smallest
    .replace('source: files', `source: dev-ca\n  dev_ca: { dir: ca, spiffe_id: "${id}" }`)
    .replace('[policies/]', '[seed.yaml]')
    .replace('forward:', 'resource: { type: message_queue, topic: audit.payments.card }\n    forward:');
  writeFileSync(join(cwd, 'postern.yaml'), config);
  const { code, stdout, stderr } = await lint('-c', 'postern.yaml');
  assert.deepEqual([code, stderr], [0, ''], stdout);
  assert.match(stdout, /^seed\.yaml:34:11: warning: message_queue .* is in namespace `audit` .* \[L-RESOURCE-NS\]/m);
  assert.match(stdout, /^seed\.yaml:17:11: info: neither `identity\.attributes` nor the registry gives `attestation`/m);
  assert.doesNotMatch(stdout, /L-TD/);
});

test('without an identity that can be read, the rest is still checked and that is told', async () => {
  writeFileSync(join(cwd, 'files.yaml'), smallest.replace('[policies/]', '[seed.yaml]'));
  const { code, stdout, stderr } = await lint('-c', 'files.yaml');
  assert.equal(code, 0);
  assert.match(stderr, /^note: trust domains and resources are not checked: /);
  assert.match(stdout, /L-ATTEST/);
});

test('nothing named is wrong usage', async () => {
  assert.equal((await lint()).code, 2);
});
