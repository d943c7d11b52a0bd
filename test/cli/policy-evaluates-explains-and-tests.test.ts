// `postern policy eval|explain|test`: answers a line, explanations, tests of policies, and exit codes that scripts rely on.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { seedText } from '../authz/seed-policy.ts';
import { runPostern } from './run-cli.ts';

const cwd = mkdtempSync(join(tmpdir(), 'postern-policy-'));
after(() => rmSync(cwd, { recursive: true, force: true }));

mkdirSync(join(cwd, 'p'));
write('p/seed.yaml', seedText);

const principal = { spiffe_id: 'spiffe://prod.acme.com/ns/payments/api', attestation: 'k8s_sat' };
const resource = { type: 'database', name: 'payments_db', namespace: 'payments' };
const allowed = { principal, action: 'read', resource, network: { is_internal: true } };
const denied = { ...allowed, action: 'delete' };

function write(name: string, text: string): void {
  writeFileSync(join(cwd, name), text);
}

function run(args: readonly string[], input = '') {
  return runPostern(['policy', ...args], { cwd, input });
}

function lines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const cases = (expectation: string) =>
  `cases:\n  - name: api reads\n    request: ${JSON.stringify(allowed)}\n    expect: ${expectation}\n`;

test('eval answers each line in order; a line that is no request is told with its number, the others still decided', async () => {
  const noTime = { ...allowed, request: { time: 'noon' } };
  const input = [JSON.stringify(allowed), '', '{', JSON.stringify(noTime), JSON.stringify(denied)].join('\n');
  const { code, stdout, stderr } = await run(['eval', 'p', '--request', '-', '--exit-code'], input);
  assert.deepEqual([code, stderr], [2, '']);
  const [first, broken, untimely, last] = lines(stdout);
  assert.deepEqual(first, {
    decision: 'allow',
    reason: 'rule',
    policy: 'payment-service-access',
    rule: 'database-access',
    overrode: [],
    indeterminate: [],
    obligations: { credential_ttl_s: 3600 },
    shadow: null,
  });
  assert.deepEqual((broken!['error'] as { code: string; line: number }).line, 3);
  const { code: fault, line } = untimely!['error'] as { code: string; line: number };
  assert.deepEqual([fault, line], ['ERR_POLICY_REQUEST', 4]);
  assert.equal(last!['decision'], 'deny');
});

test('eval reads a file, and a deny is exit code 1 under --exit-code alone', async () => {
  write('requests.jsonl', `${JSON.stringify(allowed)}\n${JSON.stringify(denied)}\n`);
  const [strict, lax] = await Promise.all([
    run(['eval', 'p/seed.yaml', '--request', 'requests.jsonl', '--exit-code']),
    run(['eval', 'p/seed.yaml', '--request', 'requests.jsonl']),
  ]);
  assert.deepEqual([strict.code, lax.code], [1, 0]);
  assert.deepEqual(
    lines(lax.stdout).map((answer) => answer['decision']),
    ['allow', 'deny'],
  );
});

test('eval of a policy that does not load lists its findings, exit code 2', async () => {
  write('bad.yaml', seedText.replace('effect: allow', 'effect: alow'));
  const { code, stdout, stderr } = await run(['eval', 'bad.yaml', '--request', '-'], JSON.stringify(allowed));
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^bad\.yaml:10:\d+: error: .*\[L-KEY\]/);
});

test('explain says what was expected and what was there; --json gives the same as data', async () => {
  const input = JSON.stringify({ ...allowed, principal: { ...principal, attestation: 'k8s_psat' } });
  const [text, json] = await Promise.all([
    run(['explain', 'p', '--request', '-'], input),
    run(['explain', 'p', '--request', '-', '--json'], input),
  ]);
  assert.deepEqual([text.code, json.code], [0, 0]);
  assert.match(text.stdout, /^DENY \(default\)/);
  assert.match(text.stdout, /principal\.attestation: expected .*k8s_sat.*actual .*k8s_psat/);
  assert.equal((JSON.parse(json.stdout) as { answer: { decision: string } }).answer.decision, 'deny');
});

test('explain shows no control character of a request', async () => {
  const input = JSON.stringify({ ...allowed, principal: { ...principal, attestation: 'a\u001b[2Jb' } });
  const { stdout } = await run(['explain', 'p', '--request', '-'], input);
  assert.doesNotMatch(stdout, /\u001b/);
});

test('explain judges a decision record again, passing over outcomes, and says where the answer differs', async () => {
  const record = {
    type: 'decision',
    time: '2026-01-01T00:00:00.000000Z',
    decision: 'allow',
    principal: { workload_id: principal.spiffe_id, type: 'workload', authn: 'mtls', namespace: 'payments' },
    action: { name: 'read', names: ['read', 'http:GET'], protocol: 'http' },
    resource,
    network: { is_internal: true },
  };
  const input = `${JSON.stringify({ type: 'outcome', status: 200 })}\n${JSON.stringify(record)}\n`;
  const { code, stdout } = await run(['explain', 'p', '--record', '-'], input);
  assert.equal(code, 0);
  assert.match(stdout, /^recorded: allow; these policies decide otherwise: deny\nDENY \(default\)/);
  const masked = await run(['explain', 'p', '--record', '-'], JSON.stringify({ ...record, masked: ['http.path'] }));
  assert.equal(masked.code, 2);
  assert.match(masked.stderr, /ERR_CLI_INPUT/);
});

test('explain wants exactly one of --request and --record', async () => {
  assert.equal((await run(['explain', 'p'])).code, 2);
});

test('test passes what is decided as expected and lists rules that no test is decided by', async () => {
  write('p/seed.test.yaml', cases('{ decision: allow, reason: rule, rule: database-access }'));
  const [folder, file, itself] = await Promise.all([
    run(['test', 'p']),
    run(['test', 'p/seed.yaml']),
    run(['test', 'p/seed.test.yaml']),
  ]);
  for (const { code, stdout } of [folder, file, itself]) {
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^1 passed, 0 failed; 1 of 3 rules decide a test$/m);
    assert.match(stdout, /^p\/seed\.yaml:\d+:\d+: no test is decided by payment-service-access\/audit-log-write$/m);
  }
});

test('test tells what differs with the explanation, exit code 1', async () => {
  mkdirSync(join(cwd, 'failing'));
  write('failing/seed.yaml', seedText);
  write('failing/seed.test.yaml', cases('{ decision: deny, rule: deny-cross-namespace }'));
  const { code, stdout } = await run(['test', 'failing']);
  assert.equal(code, 1);
  assert.match(stdout, /^FAILED failing\/seed\.test\.yaml:2:5: api reads$/m);
  assert.match(stdout, /^ {2}decision: expected deny, got allow$/m);
  assert.match(stdout, /^ {2}rule: expected deny-cross-namespace, got database-access$/m);
  assert.match(stdout, /^ {4}ALLOW \(rule\) by payment-service-access\/database-access/m);
  const json = await run(['test', 'failing', '--json']);
  const report = JSON.parse(json.stdout) as { ok: boolean; failed: number; cases: { passed: boolean }[] };
  assert.deepEqual([json.code, report.ok, report.failed, report.cases[0]?.passed], [1, false, 1, false]);
});

test('test runs `tests:` of a policy', async () => {
  const inside = cases('{ decision: allow }').replace('cases:', 'tests:').replace(/^/gm, '  ');
  write('inside.yaml', `${seedText.trimEnd()}\n${inside.trimEnd()}\n`);
  const { code, stdout } = await run(['test', 'inside.yaml']);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^1 passed, 0 failed/m);
});

const brokenTests: readonly (readonly [fault: string, text: string, place: string])[] = [
  ['an unknown key', cases('{ decison: allow }'), '4:13'],
  [
    'a request that is none',
    'cases:\n  - name: x\n    request: {acton: read}\n    expect: {decision: allow}\n',
    '3:14',
  ],
  ['no YAML', 'cases: [\n', '2:1'],
  ['nothing', '', '1:1'],
  ['no case', 'cases: []\n', '1:8'],
];
for (const [fault, text, place] of brokenTests) {
  test(`a test file with ${fault} is exit code 2 and told with its line`, async () => {
    const folder = `broken-${fault.replaceAll(' ', '-')}`;
    mkdirSync(join(cwd, folder));
    write(`${folder}/seed.yaml`, seedText);
    write(`${folder}/seed.test.yaml`, text);
    const { code, stderr } = await run(['test', folder]);
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(`${folder}/seed.test.yaml:${place}: error: `), stderr);
  });
}

test('no test at all is told, exit code 2', async () => {
  write('lonely.yaml', seedText);
  const { code, stderr } = await run(['test', 'lonely.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /ERR_POLICY_TEST/);
});
