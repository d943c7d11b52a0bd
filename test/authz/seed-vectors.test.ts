import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerJson } from '../../src/authz/answer-json.ts';
import { createAuthorizer } from '../../src/authz/engine.ts';
import type { AuthzRequest } from '../../src/authz/model.ts';
import type { Difference } from './seed-policy.ts';
import { paymentsDb, queue, requestFor, seedRequest, seedText, setOf } from './seed-policy.ts';

const DA = 'database-access';
const AL = 'audit-log-write';
const DX = 'deny-cross-namespace';

const worker = { spiffe_id: 'spiffe://prod.acme.com/ns/payments/worker' };
const card = queue('audit.payments.card');

interface Vector {
  readonly n: string;
  readonly request: AuthzRequest;
  readonly decision: 'allow' | 'deny';
  readonly reason: string;
  readonly policy?: string | null;
  readonly rule?: string;
  readonly overrode?: readonly string[];
  readonly indeterminate?: readonly { rule: string; attributes: readonly string[] }[];
  readonly ttlS?: number;
}

const read = (difference: Difference = {}) => seedRequest(difference);
const publish = (resource: Record<string, unknown>, difference: Difference = {}) =>
  requestFor(resource, { action: 'publish', ...difference });

const vectors: readonly Vector[] = [
  { n: '1', request: read(), decision: 'allow', reason: 'rule', rule: DA, ttlS: 3600 },
  { n: '2', request: read({ action: 'write' }), decision: 'allow', reason: 'rule', rule: DA, ttlS: 3600 },
  { n: '3', request: read({ action: 'delete' }), decision: 'deny', reason: 'default' },
  { n: '4', request: read({ principal: worker }), decision: 'deny', reason: 'default' },
  { n: '5', request: read({ principal: { attestation: 'aws_iid' } }), decision: 'deny', reason: 'default' },
  {
    n: '6',
    request: read({ principal: { attestation: undefined } }),
    decision: 'deny',
    reason: 'default',
    indeterminate: [{ rule: DA, attributes: ['principal.attestation'] }],
  },
  { n: '7', request: read({ network: { is_internal: false } }), decision: 'deny', reason: 'default' },
  {
    n: '8',
    request: read({ network: { is_internal: undefined } }),
    decision: 'deny',
    reason: 'default',
    indeterminate: [{ rule: DA, attributes: ['network.is_internal'] }],
  },
  { n: '9', request: read({ resource: { name: 'ledger_db' } }), decision: 'deny', reason: 'default' },
  {
    n: '10',
    request: read({ resource: { namespace: undefined } }),
    decision: 'deny',
    reason: 'rule_indeterminate',
    rule: DX,
    overrode: [DA],
    indeterminate: [{ rule: DX, attributes: ['resource.namespace'] }],
  },
  {
    n: '11',
    request: read({ resource: { namespace: 'ledger' } }),
    decision: 'deny',
    reason: 'rule',
    rule: DX,
    overrode: [DA],
  },
  { n: '12', request: publish(card), decision: 'allow', reason: 'rule', rule: AL },
  { n: '13', request: publish(card, { principal: worker }), decision: 'allow', reason: 'rule', rule: AL },
  { n: '14', request: publish(queue('audit.payments')), decision: 'deny', reason: 'default' },
  { n: '15', request: publish(queue('audit.payments.card.eu')), decision: 'deny', reason: 'default' },
  { n: '16', request: publish(queue('audit.payments.')), decision: 'deny', reason: 'default' },
  { n: '17', request: publish(queue('AUDIT.payments.card')), decision: 'deny', reason: 'default' },
  { n: '18', request: requestFor(card, { action: 'consume' }), decision: 'deny', reason: 'default' },
  {
    n: '19',
    request: publish({ ...card, namespace: 'audit' }),
    decision: 'deny',
    reason: 'rule',
    rule: DX,
    overrode: [AL],
  },
  {
    n: '20',
    request: publish(queue(undefined)),
    decision: 'deny',
    reason: 'default',
    indeterminate: [{ rule: AL, attributes: ['resource.topic'] }],
  },
  {
    n: '21',
    request: publish(card, { principal: { spiffe_id: 'spiffe://prod.acme.com/ns/payments/sa/api' } }),
    decision: 'deny',
    reason: 'no_policy',
  },
  {
    n: '22',
    request: read({ principal: { spiffe_id: 'spiffe://prod.acme.com/ns/orders/api' } }),
    decision: 'deny',
    reason: 'no_policy',
  },
  {
    n: '23',
    request: read({ principal: { spiffe_id: 'spiffe://staging.acme.com/ns/payments/api' } }),
    decision: 'deny',
    reason: 'no_policy',
  },
  {
    n: '24',
    request: publish(card, { principal: { spiffe_id: 'spiffe://prod.acme.com/ns/payments' } }),
    decision: 'deny',
    reason: 'no_policy',
  },
  {
    n: '25',
    request: read({ principal: { type: 'anonymous', spiffe_id: undefined } }),
    decision: 'deny',
    reason: 'no_policy',
  },
  {
    n: '26',
    request: read({ principal: { type: 'user', id: 'alice', spiffe_id: undefined } }),
    decision: 'deny',
    reason: 'no_policy',
  },
  {
    n: '27',
    request: read({ principal: { spiffe_id: undefined } }),
    decision: 'deny',
    reason: 'rule_indeterminate',
    rule: DX,
  },
  {
    n: '28',
    request: publish(card, { principal: { namespace: null } }),
    decision: 'deny',
    reason: 'rule_indeterminate',
    rule: DX,
    overrode: [AL],
    indeterminate: [{ rule: DX, attributes: ['principal.namespace'] }],
  },
  {
    n: '29',
    request: read({ resource: { namespace: 7 } }),
    decision: 'deny',
    reason: 'rule_indeterminate',
    rule: DX,
    overrode: [DA],
    indeterminate: [{ rule: DX, attributes: ['resource.namespace'] }],
  },
  { n: '30', request: read({ action: 'http:BREW' }), decision: 'deny', reason: 'default' },
  { n: '31', request: read({ principal: { attestation: 'k8s_psat' } }), decision: 'deny', reason: 'default' },
  {
    n: '32',
    request: publish({ type: 'message_queue', topic: 'audit.payments.card' }),
    decision: 'deny',
    reason: 'rule_indeterminate',
    rule: DX,
  },
  // 33 is refused before policy, by the checks of the SPIFFE ID (test/identity).
  { n: '34', request: read({ action: ['read', 'write'] }), decision: 'allow', reason: 'rule', rule: DA, ttlS: 3600 },
  { n: '35', request: requestFor(card, { action: ['publish', 'consume'] }), decision: 'deny', reason: 'default' },
];

const metricsScrape = `
policy "metrics-scrape":
  principals: { type: workload }
  rules:
    - { name: scrape, effect: allow, resources: { type: http_endpoint, path: /metrics }, actions: [read] }
`;
const otherTeam = 'policy "other-team":\n  rules:\n    - { name: everything, effect: allow, priority: 1000 }\n';
const defaultAllow = 'policy open:\n  principals: { type: workload }\n  default_decision: allow\n  rules: []\n';
const defaultAllowUnknown =
  'policy open:\n  principals: { environment: prod }\n  default_decision: allow\n  rules: []\n';
const breakGlass = withRule(
  '- { name: break-glass, effect: allow, priority: 200, conditions: [context.break_glass == true] }',
);
const tie = withRule('- { name: tie, effect: allow, priority: 100 }');
const seedInShadow = seedText.replace('  default_decision: deny', '  mode: shadow\n  default_decision: deny');

function withRule(rule: string): string {
  return `${seedText}    ${rule}\n`;
}

const metrics = { type: 'http_endpoint', path: '/metrics', namespace: 'payments' };
const ledger = { resource: { ...paymentsDb, namespace: 'ledger' } };

interface Combination extends Vector {
  readonly policies: readonly string[];
}

const combinations: readonly Combination[] = [
  {
    n: 'M1',
    policies: [seedText, metricsScrape],
    request: requestFor(metrics),
    decision: 'allow',
    reason: 'rule',
    policy: 'metrics-scrape',
    rule: 'scrape',
  },
  {
    n: 'M2',
    policies: [seedText, metricsScrape],
    request: requestFor({ ...metrics, namespace: 'monitoring' }),
    decision: 'deny',
    reason: 'rule',
    rule: DX,
    overrode: ['scrape'],
  },
  {
    n: 'M3',
    policies: [seedText, defaultAllow],
    request: read({ principal: worker }),
    decision: 'deny',
    reason: 'default',
    policy: 'payment-service-access',
  },
  {
    n: 'M4',
    policies: [defaultAllow],
    request: read({ principal: worker }),
    decision: 'allow',
    reason: 'default',
    policy: 'open',
  },
  {
    n: 'M5',
    policies: [defaultAllowUnknown],
    request: read({ principal: worker }),
    decision: 'deny',
    reason: 'default',
    policy: 'open',
  },
  {
    n: 'M6',
    policies: [breakGlass],
    request: read({ ...ledger, context: { break_glass: true } }),
    decision: 'allow',
    reason: 'rule',
    rule: 'break-glass',
    overrode: [DX],
  },
  {
    n: 'M6b',
    policies: [breakGlass],
    request: read(ledger),
    decision: 'deny',
    reason: 'rule',
    rule: DX,
    overrode: [DA],
    indeterminate: [{ rule: 'break-glass', attributes: ['context["break_glass"]'] }],
  },
  {
    n: 'M7',
    policies: [seedText, otherTeam],
    request: read(ledger),
    decision: 'deny',
    reason: 'rule',
    rule: DX,
    policy: 'payment-service-access',
    overrode: ['everything', DA],
  },
  {
    n: 'M8',
    policies: [seedText, otherTeam],
    request: read({ principal: worker }),
    decision: 'allow',
    reason: 'rule',
    rule: 'everything',
    policy: 'other-team',
  },
  {
    n: 'M9',
    policies: [tie],
    request: read(ledger),
    decision: 'deny',
    reason: 'rule',
    rule: DX,
    overrode: [DA, 'tie'],
  },
  {
    n: 'M10',
    policies: [seedInShadow, otherTeam],
    request: read(ledger),
    decision: 'allow',
    reason: 'rule',
    rule: 'everything',
    policy: 'other-team',
  },
  { n: 'M11', policies: [], request: read(), decision: 'deny', reason: 'no_policy', policy: null },
];

function check(vector: Vector, policies: readonly string[]): void {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(...policies));
  const decision = authorizer.planFor(vector.request.principal).decide(vector.request);
  const answer = answerJson(decision);
  assert.equal(answer.decision, vector.decision);
  assert.equal(answer.reason, vector.reason);
  assert.equal(answer.rule, vector.rule ?? null);
  if (vector.policy !== undefined) assert.equal(answer.policy, vector.policy);
  if (vector.overrode !== undefined) assert.deepEqual(answer.overrode, vector.overrode);
  if (vector.indeterminate !== undefined) assert.deepEqual(answer.indeterminate, vector.indeterminate);
  assert.deepEqual(answer.obligations, vector.ttlS === undefined ? {} : { credential_ttl_s: vector.ttlS });
  assert.equal(decision.permit !== null, vector.decision === 'allow');
}

for (const vector of vectors) {
  test(`vector ${vector.n}: ${vector.decision}, ${vector.reason} ${vector.rule ?? ''}`, () =>
    check(vector, [seedText]));
}

for (const vector of combinations) {
  test(`combination ${vector.n}: ${vector.decision}, ${vector.reason} ${vector.rule ?? ''}`, () =>
    check(vector, vector.policies));
}

test('M10 puts on record that the policy in shadow would have denied', () => {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(seedInShadow, otherTeam));
  const request = read(ledger);
  const decision = authorizer.planFor(request.principal).decide(request);
  assert.deepEqual(answerJson(decision).shadow, {
    decision: 'deny',
    policy: 'payment-service-access',
    rule: DX,
    would_change: true,
  });
});

test('before a bundle was ever loaded everything is denied as policy_unavailable', () => {
  const request = read();
  const decision = createAuthorizer().planFor(request.principal).decide(request);
  assert.equal(decision.effect, 'deny');
  assert.equal(decision.reason, 'policy_unavailable');
  assert.equal(decision.bundleDigest, '');
});
