// The theorem of policy.md 1.4: without `exists` and `missing`, taking attributes away never turns Deny into Allow.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAuthorizer } from '../../src/authz/engine.ts';
import type { AuthzRequest } from '../../src/authz/model.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';
import { anyRequest, monotoneCondition, type PolicyJson, policiesOf, policyText } from './policy-arbitrary.ts';
import { seedRequest, seedText, setOf } from './seed-policy.ts';

type Json = Record<string, unknown>;

const removable: readonly (readonly [string, string])[] = [
  ...['spiffe_id', 'namespace', 'attestation', 'environment', 'labels', 'claims'].map(
    (key) => ['principal', key] as const,
  ),
  ...['name', 'topic', 'path', 'namespace', 'host', 'port'].map((key) => ['resource', key] as const),
  ...['is_internal', 'source_ip'].map((key) => ['network', key] as const),
  ...['sni', 'peer'].map((key) => ['tls', key] as const),
  ...['left', 'right', 'level', 'roles'].map((key) => ['context', key] as const),
  ['request', 'http'],
];

function without(json: Json, removed: readonly (readonly [string, string])[]): Json {
  const copy = structuredClone(json) as Record<string, Json>;
  // `null`: missing, and not derived from the SPIFFE ID either.
  for (const [section, key] of removed) copy[section] = { ...copy[section], [key]: null };
  return copy;
}

// An allow whose obligation cannot be met denies; when it becomes unknown it no longer does. It is no case of the theorem.
function withoutUnsupported(policies: readonly PolicyJson[]): readonly PolicyJson[] {
  return policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map((rule) =>
      rule['credential'] === undefined ? rule : { ...rule, credential: { type: 'short_lived_certificate' } },
    ),
  }));
}

test('removing attributes from a random request never turns a deny of random policies into an allow', () => {
  const masks = fc.array(fc.subarray([...removable], { minLength: 1 }), { minLength: 4, maxLength: 4 });
  const requests = fc.array(anyRequest, { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(policiesOf(monotoneCondition), requests, masks, (policies, jsons, removals) => {
      const authorizer = createAuthorizer();
      authorizer.replace(setOf(policyText(withoutUnsupported(policies))));
      const effectOf = (json: Json) => {
        const request = requestFromJson(json, 0);
        return authorizer.planFor(request.principal).decide(request).effect;
      };
      for (const json of jsons) {
        if (effectOf(json) === 'allow') continue;
        for (const removed of removals) assert.equal(effectOf(without(json, removed)), 'deny', JSON.stringify(removed));
      }
    }),
    { numRuns: 300 },
  );
});

const masked = [
  ['principal', 'spiffe_id'],
  ['principal', 'attestation'],
  ['principal', 'namespace'],
  ['network', 'is_internal'],
  ['resource', 'name'],
  ['resource', 'namespace'],
] as const;

function* seedValues(): Generator<Json> {
  const ids = ['ns/payments/api', 'ns/payments/worker', 'ns/orders/api'];
  for (const id of ids)
    for (const attestation of ['k8s_sat', 'aws_iid'])
      for (const internal of [true, false])
        for (const name of ['payments_db', 'ledger_db'])
          for (const namespace of ['payments', 'ledger'])
            for (const action of ['read', 'delete']) {
              yield {
                principal: {
                  type: 'workload',
                  spiffe_id: `spiffe://prod.acme.com/${id}`,
                  attestation,
                  namespace: id.split('/')[1],
                },
                action,
                resource: { type: 'database', name, namespace },
                network: { is_internal: internal },
              };
            }
}

test('removing attributes never turns a deny of the seed policy into an allow, over all 6,144 requests', () => {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(seedText));
  const decide = (request: AuthzRequest) => authorizer.planFor(request.principal).decide(request);
  let asked = 0;
  for (const json of seedValues()) {
    const whole = decide(requestFromJson(json, 0)).effect;
    for (let mask = 0; mask < 64; mask++) {
      const removed = masked.filter((_, bit) => (mask & (1 << bit)) !== 0);
      const effect = decide(requestFromJson(without(json, removed), 0)).effect;
      asked++;
      if (whole === 'deny') assert.equal(effect, 'deny', JSON.stringify({ json, removed }));
    }
  }
  assert.equal(asked, 6144);
});

test('the seed denies when only resource.namespace is gone, which a skipped deny rule would let through', () => {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(seedText));
  const request = seedRequest({ resource: { namespace: undefined } });
  assert.equal(authorizer.planFor(request.principal).decide(request).reason, 'rule_indeterminate');
});
