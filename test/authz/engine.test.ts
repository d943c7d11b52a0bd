import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthorizer } from '../../src/authz/engine.ts';
import type { AuthzRequest } from '../../src/authz/model.ts';
import { requestFor, seedRequest, seedText, setOf } from './seed-policy.ts';

function authorizerOf(...texts: readonly string[]) {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(...texts));
  return authorizer;
}

function decide(authorizer: ReturnType<typeof createAuthorizer>, request: AuthzRequest) {
  return authorizer.planFor(request.principal).decide(request);
}

test('the same outcome of the same plan is the same frozen object', () => {
  const authorizer = authorizerOf(seedText);
  for (const request of [
    seedRequest(),
    seedRequest({ action: 'delete' }),
    seedRequest({ action: ['read', 'write'] }),
    seedRequest({ resource: { namespace: 7 } }),
  ]) {
    const plan = authorizer.planFor(request.principal);
    const first = plan.decide(request);
    assert.equal(plan.decide(request), first);
    assert.ok(Object.isFrozen(first));
  }
});

test('the first plan of a principal is a miss, the next a hit, until the bundle changes', () => {
  const authorizer = authorizerOf(seedText);
  const { principal } = seedRequest();
  assert.equal(authorizer.planFor(principal).cache, 'miss');
  assert.equal(authorizer.planFor({ ...principal }).cache, 'hit');
  authorizer.replace(setOf(seedText));
  const plan = authorizer.planFor(principal);
  assert.equal(plan.cache, 'miss');
  assert.equal(plan.revision, authorizer.revision);
});

test('principals that differ in anything a rule reads do not share a plan', () => {
  const text =
    'policy p:\n  rules:\n    - { name: r, effect: allow, conditions: [\'principal.claims["role"] == "admin"\', \'principal.labels["a"] == "bc"\'] }\n';
  const authorizer = authorizerOf(text);
  const effects = [
    { claims: { role: 'admin' }, labels: { a: 'bc' } },
    { claims: { role: 'dev' }, labels: { a: 'bc' } },
    { claims: { role: 'admin;' }, labels: { a: 'bc' } },
    { claims: { role: 'admin' }, labels: {} },
    { claims: { role: ['admin'] }, labels: { a: 'bc' } },
    { claims: { role: 'admin' }, labels: { a: 'bc' } },
  ].map((principal) => decide(authorizer, seedRequest({ principal })).effect);
  assert.deepEqual(effects, ['allow', 'deny', 'deny', 'deny', 'deny', 'allow']);
});

test('a revoked bundle: plans of the old revision still answer, with the old digest', () => {
  const authorizer = authorizerOf(seedText);
  const request = seedRequest();
  const old = authorizer.planFor(request.principal);
  const oldDigest = authorizer.bundleDigest;
  authorizer.replace(setOf(seedText.replace('k8s_sat', 'k8s_psat')));
  assert.notEqual(old.revision, authorizer.revision);
  assert.equal(old.decide(request).bundleDigest, oldDigest);
  assert.equal(decide(authorizer, request).effect, 'deny');
});

test('rules that fire are counted, those that never do stay at zero, and questions of operators count nothing', () => {
  const authorizer = authorizerOf(seedText);
  for (let n = 0; n < 3; n++) decide(authorizer, seedRequest());
  decide(authorizer, seedRequest({ resource: { namespace: undefined } }));
  authorizer.explain(seedRequest());
  const counts = Object.fromEntries(authorizer.hits().enforced.map(({ rule, count }) => [rule, count]));
  assert.deepEqual(counts, { 'database-access': 4, 'audit-log-write': 0, 'deny-cross-namespace': 1 });
});

test('a candidate bundle is judged beside, counted apart, and changes nothing', () => {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(seedText), setOf('policy next:\n  rules: [{ name: closed, effect: deny }]\n'));
  const request = seedRequest();
  const decision = decide(authorizer, request);
  assert.equal(decision.effect, 'allow');
  assert.notEqual(decision.permit, null);
  assert.deepEqual(decision.shadow, { decision: 'deny', policy: 'next', rule: 'closed', wouldChange: true });
  assert.equal(authorizer.hits().candidate[0]?.count, 1);
  assert.equal(decide(authorizer, request), decision);
});

test('a fault inside is a deny with engine_error, of a candidate it is nothing', () => {
  const authorizer = authorizerOf(seedText);
  const broken = { ...seedRequest(), network: null } as unknown as AuthzRequest;
  const decision = decide(authorizer, broken);
  assert.equal(decision.effect, 'deny');
  assert.equal(decision.reason, 'engine_error');
  authorizer.replace(setOf('policy p:\n  rules: [{ name: a, effect: allow }]\n'), setOf(seedText));
  assert.equal(decide(authorizer, broken).effect, 'allow');
});

test('a request for no action is denied', () => {
  const request = { ...seedRequest(), actions: [] };
  assert.equal(decide(authorizerOf(seedText), request).effect, 'deny');
});

test('of several required actions each must be allowed, and the strictest ttl holds', () => {
  const rule = (name: string, action: string, ttl: string) =>
    `    - { name: ${name}, effect: allow, actions: [${action}], credential: { type: short_lived_certificate, ttl: ${ttl} } }\n`;
  const authorizer = authorizerOf(`policy p:\n  rules:\n${rule('a', 'read', '1h')}${rule('b', 'write', '5m')}`);
  const both = decide(authorizer, seedRequest({ action: ['read', 'write'] }));
  assert.equal(both.obligations?.credentialTtlS, 300);
  assert.deepEqual(
    both.matched.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.equal(decide(authorizer, seedRequest({ action: ['read', 'write', 'drop'] })).effect, 'deny');
  assert.equal(decide(authorizer, seedRequest({ action: ['drop', 'read'] })).effect, 'deny');
});

test('an action has several names, and a rule that lists any of them means it', () => {
  const authorizer = authorizerOf('policy p:\n  rules: [{ name: a, effect: allow, actions: ["http:GET"] }]\n');
  const action = { name: 'read', names: ['read', 'http:GET', 'a', 'b'], protocol: 'http' };
  assert.equal(decide(authorizer, seedRequest({ action })).effect, 'allow');
  assert.equal(decide(authorizer, seedRequest({ action: { ...action, names: ['read', 'http:HEAD'] } })).effect, 'deny');
});

test('an obligation that the sidecar cannot meet turns the allow into a deny', () => {
  const policies = ['credential: { type: hardware_key }', 'obligations: { watermark: true }'].map(
    (extra) => `policy p:\n  rules: [{ name: a, effect: allow, ${extra} }]\n`,
  );
  for (const text of policies) {
    const decision = decide(authorizerOf(text), seedRequest());
    assert.equal(decision.effect, 'deny');
    assert.equal(decision.reason, 'obligation_unsupported');
    assert.equal(decision.rule?.name, 'a');
  }
});

test('an allow ends when it expires; a deny goes on', () => {
  const text = (effect: string) =>
    `policy p:\n  default_decision: allow\n  rules: [{ name: a, effect: ${effect}, expires: "2026-01-01T00:00:00Z" }]\n`;
  const at = (timeMs: number) => ({ ...seedRequest(), timeMs });
  const allow = authorizerOf(text('allow'));
  assert.equal(decide(allow, at(Date.UTC(2025, 11, 31))).reason, 'rule');
  assert.equal(decide(allow, at(Date.UTC(2026, 0, 1))).reason, 'default');
  assert.equal(decide(authorizerOf(text('deny')), at(Date.UTC(2030, 0, 1))).effect, 'deny');
});

test('disabled rules and policies are not there', () => {
  const rule = 'policy p:\n  rules: [{ name: a, effect: allow, mode: disabled }]\n';
  assert.equal(decide(authorizerOf(rule), seedRequest()).reason, 'default');
  const policy = 'policy p:\n  mode: disabled\n  rules: [{ name: a, effect: allow }]\n';
  assert.equal(decide(authorizerOf(policy), seedRequest()).reason, 'no_policy');
});

test('a rule in shadow changes the record and not the decision; `dry_run` is the same', () => {
  for (const shadow of ['mode: shadow', 'dry_run: true']) {
    const decision = decide(authorizerOf(`${seedText}    - { name: s, effect: deny, ${shadow} }\n`), seedRequest());
    assert.equal(decision.effect, 'allow');
    assert.deepEqual(decision.shadow, {
      decision: 'deny',
      policy: 'payment-service-access',
      rule: 's',
      wouldChange: true,
    });
    assert.deepEqual(
      decision.matched.map(({ name }) => name),
      ['database-access'],
    );
  }
});

test('a rule in shadow that agrees is on record as no change, one that does not match is not on record', () => {
  const agreeing = decide(authorizerOf(`${seedText}    - { name: s, effect: allow, mode: shadow }\n`), seedRequest());
  assert.equal(agreeing.shadow?.wouldChange, false);
  const silent = decide(
    authorizerOf(`${seedText}    - { name: s, effect: deny, mode: shadow, actions: [drop] }\n`),
    seedRequest(),
  );
  assert.equal(silent.shadow, null);
});

test('the lists of a decision hold at most sixteen rules', () => {
  const rules = Array.from(
    { length: 40 },
    (_, n) =>
      `    - { name: r${n}, effect: allow }\n    - { name: u${n}, effect: allow, conditions: [context.x == 1] }`,
  );
  const decision = decide(authorizerOf(`policy p:\n  rules:\n${rules.join('\n')}\n`), seedRequest());
  assert.equal(decision.matched.length, 16);
  assert.equal(decision.indeterminate.length, 16);
});

test('a plan that has seen thousands of outcomes goes on deciding rightly', () => {
  const rules = Array.from(
    { length: 14 },
    (_, n) => `    - { name: r${n}, effect: allow, conditions: [context.b${n}] }`,
  );
  const authorizer = authorizerOf(`policy p:\n  rules:\n${rules.join('\n')}\n`);
  for (let bits = 0; bits < 1 << 14; bits += 3) {
    const context = Object.fromEntries(rules.map((_, n) => [`b${n}`, (bits & (1 << n)) !== 0]));
    const decision = decide(authorizer, requestFor({ type: 'x' }, { context }));
    assert.equal(decision.effect, bits === 0 ? 'deny' : 'allow');
    assert.equal(decision.matched.length, Math.min(16, bits.toString(2).replaceAll('0', '').length));
  }
});
