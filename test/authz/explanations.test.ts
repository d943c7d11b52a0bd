import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthorizer } from '../../src/authz/engine.ts';
import { explanationText } from '../../src/authz/explain-text.ts';
import { queue, requestFor, seedRequest, seedText, setOf } from './seed-policy.ts';

function explain(request = seedRequest(), ...texts: readonly string[]) {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(seedText, ...texts));
  const explanation = authorizer.explain(request);
  assert.ok(explanation);
  assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation, 'plain data');
  return explanation;
}

test('a default deny names the nearest rule and the one requirement that failed, expected against actual', () => {
  const { actions } = explain(seedRequest({ principal: { attestation: 'aws_iid' } }));
  const nearest = actions[0]?.nearest;
  assert.equal(nearest?.rule, 'database-access');
  assert.deepEqual(
    nearest.failed.map(({ text, value, line, facts }) => ({ text, value, line, facts })),
    [
      {
        text: 'principal.attestation == "k8s_sat"',
        value: 'false',
        line: 17,
        facts: [{ attribute: 'principal.attestation', expected: '== "k8s_sat"', actual: '"aws_iid"', value: 'false' }],
      },
    ],
  );
});

test('a missing attribute is said to be missing, one of the wrong type to be that', () => {
  const missing = explain(seedRequest({ network: { is_internal: undefined } })).actions[0]?.nearest?.failed[0];
  assert.deepEqual([missing?.value, missing?.facts[0]?.actual], ['unknown', 'missing']);
  const text = explanationText(explain(seedRequest({ resource: { namespace: 7 } })));
  assert.match(text, /resource\.namespace \(of the wrong type\)/);
});

test('every failed requirement of the nearest rule is listed', () => {
  const request = seedRequest({
    principal: { attestation: undefined },
    network: { is_internal: false },
    action: 'delete',
  });
  const failed = explain(request).actions[0]?.nearest?.failed.map(({ text }) => text);
  assert.deepEqual(failed, [
    'actions: [read, write]',
    'principal.attestation == "k8s_sat"',
    'network.is_internal == true',
  ]);
});

test('of rules equally near the one with the higher priority is named', () => {
  const twin = (name: string, priority: number) =>
    `    - { name: ${name}, effect: allow, priority: ${priority}, actions: [x] }\n`;
  const { actions } = explain(
    seedRequest({ action: 'y' }),
    `policy z:\n  rules:\n${twin('low', 1)}${twin('high', 2)}${twin('mid', 1)}`,
  );
  assert.equal(actions[0]?.nearest?.rule, 'high');
});

test('for a caller that no policy is meant for, the failed principals of the nearest policy are named', () => {
  const { actions, answer } = explain(
    seedRequest({ principal: { spiffe_id: 'spiffe://prod.acme.com/ns/payments/sa/api' } }),
  );
  assert.equal(answer.reason, 'no_policy');
  assert.deepEqual(actions[0]?.policies, []);
  assert.equal(actions[0]?.nearest?.failed[0]?.part, 'policy principals');
});

test('a decision by rule names no nearest rule, and shows the rule that fires', () => {
  const { actions } = explain(seedRequest({ resource: { namespace: 'ledger' } }));
  assert.equal(actions[0]?.nearest, null);
  const fired = actions[0]?.policies[0]?.rules.filter((rule) => rule.fires).map(({ rule }) => rule);
  assert.deepEqual(fired, ['database-access', 'deny-cross-namespace']);
});

test('of several actions the one that was denied gets its nearest rule', () => {
  const { actions } = explain(requestFor(queue('audit.payments.card'), { action: ['publish', 'consume'] }));
  assert.deepEqual(
    actions.map(({ nearest }) => nearest?.rule ?? null),
    [null, 'audit-log-write'],
  );
});

test('the text says decision, reason, rule and what was wrong, one line each', () => {
  const text = explanationText(explain(seedRequest({ principal: { attestation: undefined } })));
  assert.match(text, /^DENY \(default\) by payment-service-access; 1 policy, 3 rules$/m);
  assert.match(text, /^could not tell: database-access, for want of principal\.attestation$/m);
  assert.match(text, /nearest: payment-service-access\/database-access \(0\.yaml:9\), one requirement failed/);
  assert.match(text, /principal\.attestation: expected == "k8s_sat", actual missing/);
});

test('values of credential headers are not shown', () => {
  const policy =
    'policy h:\n  rules: [{ name: h, effect: allow, conditions: [\'request.http.headers["Authorization"] == "x"\'] }]\n';
  const request = {
    ...seedRequest({ action: 'drop' }),
    http: { method: 'GET', header: () => 'Bearer secret', query: () => undefined },
  };
  const text = JSON.stringify(explain(request, policy));
  assert.doesNotMatch(text, /secret/);
  assert.match(text, /present, not shown/);
});

test('before the first bundle there is nothing to explain', () => {
  assert.equal(createAuthorizer().explain(seedRequest()), null);
});
