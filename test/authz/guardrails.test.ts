import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthorizer } from '../../src/authz/engine.ts';
import { createGuardedAuthorizer, type GuardrailOptions, guardrailDefaults } from '../../src/authz/guardrails.ts';
import type { TlsFacts } from '../../src/authz/model.ts';
import { seedRequest, seedText, setOf } from './seed-policy.ts';

const hourMs = 3_600_000;

function tlsOf(lifetimeMs: number | undefined): TlsFacts {
  const none = { version: undefined, cipher: undefined, sni: undefined, alpn: undefined };
  const peer = { peerSerial: undefined, peerFingerprintSha256: undefined };
  return { ...none, ...peer, peerNotBeforeMs: 0, peerNotAfterMs: lifetimeMs };
}

function decide(options: Partial<GuardrailOptions>, environment: unknown, lifetimeMs: number | undefined = hourMs) {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(seedText));
  const guarded = createGuardedAuthorizer({ ...guardrailDefaults, ...options, authorizer });
  const request = seedRequest({ principal: { environment } });
  const plan = guarded.planFor(request.principal, tlsOf(lifetimeMs));
  const decision = plan.decide(request);
  assert.equal(decision.permit !== null, decision.effect === 'allow');
  assert.equal(plan.decide(request), decision, 'the same outcome is the same object');
  assert.equal(decision.bundleDigest, authorizer.bundleDigest);
  return { plan, decision };
}

test('a principal of the own environment passes the boundary', () => {
  const { plan, decision } = decide({ ownEnvironment: 'prod' }, 'prod');
  assert.equal(decision.effect, 'allow');
  assert.equal(plan.environmentBoundary, null);
});

test('a principal of another environment is denied though a rule allows it', () => {
  const { plan, decision } = decide({ ownEnvironment: 'prod' }, 'staging');
  assert.equal(decision.effect, 'deny');
  assert.equal(decision.reason, 'rule');
  assert.equal(decision.policy?.name, 'postern.environment-boundary');
  assert.equal(decision.rule?.name, 'deny-other-environment');
  assert.equal(plan.environmentBoundary, 'deny');
});

for (const environment of [undefined, 7]) {
  test(`a principal whose environment is ${environment ?? 'missing'} is denied as indeterminate`, () => {
    const { decision } = decide({ ownEnvironment: 'prod' }, environment);
    assert.equal(decision.reason, 'rule_indeterminate');
    assert.deepEqual(decision.indeterminate[0]?.attributes, ['principal.environment']);
  });
}

test('a boundary that alarms lets the request be judged and says so', () => {
  const { plan, decision } = decide({ ownEnvironment: 'prod', environmentBoundary: 'alarm' }, 'staging');
  assert.equal(decision.effect, 'allow');
  assert.equal(plan.environmentBoundary, 'alarm');
});

for (const options of [
  { environmentBoundary: 'off' as const, ownEnvironment: 'prod' },
  { ownEnvironment: undefined },
]) {
  test(`without a boundary (${JSON.stringify(options)}) another environment is judged by rules alone`, () => {
    const { plan, decision } = decide(options, 'staging');
    assert.equal(decision.effect, 'allow');
    assert.equal(plan.environmentBoundary, null);
  });
}

const lifetimes: readonly (readonly [Partial<GuardrailOptions>, number | undefined, string, boolean])[] = [
  [{ credentialCheck: 'strict' }, hourMs + 60_000, 'rule', false],
  [{ credentialCheck: 'strict' }, hourMs + 60_001, 'credential_too_long', false],
  [{ credentialCheck: 'strict' }, undefined, 'credential_too_long', true],
  [{ credentialCheck: 'bound' }, 30 * hourMs, 'rule', true],
  [{ maxCredentialLifetime: null }, 1000 * hourMs, 'rule', false],
  [{ maxCredentialLifetime: { ms: 24 * hourMs, effect: 'deny' } }, 24 * hourMs, 'rule', false],
  [{ maxCredentialLifetime: { ms: 24 * hourMs, effect: 'deny' } }, 24 * hourMs + 1, 'credential_too_long', false],
  [{ maxCredentialLifetime: { ms: 24 * hourMs, effect: 'deny' } }, Number.NaN, 'credential_too_long', false],
  [{ maxCredentialLifetime: { ms: 24 * hourMs, effect: 'alarm' } }, 24 * hourMs + 1, 'rule', true],
];

for (const [options, lifetimeMs, reason, alarm] of lifetimes) {
  test(`${JSON.stringify(options)} makes ${reason} of a certificate of ${lifetimeMs ?? 'unknown'} ms`, () => {
    const tls = tlsOf(lifetimeMs);
    const authorizer = createAuthorizer();
    authorizer.replace(setOf(seedText));
    const request = seedRequest();
    const plan = createGuardedAuthorizer({ ...guardrailDefaults, ...options, authorizer }).planFor(
      request.principal,
      tls,
    );
    const decision = plan.decide(request);
    assert.equal(decision.reason, reason);
    assert.equal(decision.effect, reason === 'rule' ? 'allow' : 'deny');
    assert.equal(plan.credentialLifetimeAlarm, alarm);
  });
}

test('a strict check says which rule it was that asked for a shorter life', () => {
  const { decision } = decide({ credentialCheck: 'strict' }, 'prod', 2 * hourMs);
  assert.equal(decision.rule?.name, 'database-access');
  assert.equal(decision.obligations, null);
});

test('the boundary wins over everything, and before a bundle is loaded too', () => {
  const authorizer = createAuthorizer();
  const guarded = createGuardedAuthorizer({ ...guardrailDefaults, ownEnvironment: 'prod', authorizer });
  const request = seedRequest({ principal: { environment: 'staging' } });
  assert.equal(
    guarded.planFor(request.principal, tlsOf(hourMs)).decide(request).policy?.name,
    'postern.environment-boundary',
  );
});

test('the revision follows the bundle', () => {
  const authorizer = createAuthorizer();
  const guarded = createGuardedAuthorizer({ ...guardrailDefaults, authorizer });
  const before = guarded.revision;
  authorizer.replace(setOf(seedText));
  assert.equal(guarded.revision, before + 1);
});
