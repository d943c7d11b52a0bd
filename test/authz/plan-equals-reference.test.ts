import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicySet } from '../../src/authz/compiled-policy.ts';
import { createAuthorizer } from '../../src/authz/engine.ts';
import type { Decision } from '../../src/authz/model.ts';
import { referenceDecide } from '../../src/authz/reference-evaluator.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';
import { anyCondition, anyRequest, policiesOf, policyText } from './policy-arbitrary.ts';
import { setOf } from './seed-policy.ts';

const policyRuns = 350;
const requestsEach = 12;

function summary(decision: Decision) {
  return {
    effect: decision.effect,
    reason: decision.reason,
    policy: decision.policy?.name ?? null,
    rule: decision.rule?.name ?? null,
    ttlS: decision.obligations?.credentialTtlS ?? null,
  };
}

function checkAgainstReference(set: PolicySet, jsons: readonly unknown[], globalDefault: 'allow' | 'deny'): void {
  const authorizer = createAuthorizer({ planCacheEntries: 100, globalDefault });
  authorizer.replace(set);
  const documents = set.policies.map((policy) => policy.document);
  // Twice: the second time every decision comes from what the plan remembers.
  for (const json of [...jsons, ...jsons]) {
    const request = requestFromJson(json, 0);
    const decision = authorizer.planFor(request.principal).decide(request);
    assert.deepEqual(summary(decision), referenceDecide(documents, request, { globalDefault, withShadow: false }));
    const shadow = referenceDecide(documents, request, { globalDefault, withShadow: true });
    assert.equal(decision.shadow?.decision ?? decision.effect, shadow.effect, 'shadow view');
    if (decision.shadow !== null) assert.equal(decision.shadow.wouldChange, shadow.effect !== decision.effect);
    assert.equal(decision.permit !== null, decision.effect === 'allow');
  }
}

test('plans decide every random policy and request as the linear reference does', () => {
  const requests = fc.array(anyRequest, { minLength: requestsEach, maxLength: requestsEach });
  fc.assert(
    fc.property(
      policiesOf(anyCondition),
      requests,
      fc.constantFrom('deny', 'allow'),
      (policies, jsons, globalDefault) => {
        checkAgainstReference(setOf(policyText(policies)), jsons, globalDefault);
      },
    ),
    { numRuns: policyRuns },
  );
});

test('the order of conditions, rules and policies does not change a decision', () => {
  fc.assert(
    fc.property(policiesOf(anyCondition), fc.array(anyRequest, { minLength: 4, maxLength: 4 }), (policies, jsons) => {
      const turned = policies
        .map((policy) => ({
          ...policy,
          rules: policy.rules
            .map((rule) =>
              rule.conditions === undefined ? rule : { ...rule, conditions: rule.conditions.toReversed() },
            )
            .toReversed(),
        }))
        .toReversed();
      const [one, other] = [policies, turned].map((version) => {
        const authorizer = createAuthorizer();
        authorizer.replace(setOf(policyText(version)));
        return authorizer;
      });
      for (const json of jsons) {
        const request = requestFromJson(json, 0);
        const a = one!.planFor(request.principal).decide(request);
        const b = other!.planFor(request.principal).decide(request);
        assert.equal(a.effect, b.effect);
        assert.equal(a.obligations?.credentialTtlS, b.obligations?.credentialTtlS);
        assert.equal(a.shadow?.decision ?? a.effect, b.shadow?.decision ?? b.effect);
      }
    }),
    { numRuns: 120 },
  );
});
