// What policy reads of a token, and that a record of such a decision is a question that can be put again.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAuthorizer } from '../../src/authz/engine.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';
import { requestOfRecord } from '../../src/runtime/recorded-request.ts';
import { setOf } from './seed-policy.ts';

const text = `policy agents:
  rules:
    - name: agent-for-user
      effect: allow
      conditions: ['principal.token.type == "ai_agent"', 'principal.token.actors contains "agent:planner"', 'principal.token.subject startsWith "user:"']
    - { name: no-replay, effect: deny, priority: 10, conditions: ['principal.token.replayed == true'] }
`;
const token = {
  type: 'ai_agent',
  subject: 'user:alice',
  actors: ['agent:planner'],
  issuer: 'https://i',
  replayed: false,
};
const authorizer = createAuthorizer();
authorizer.replace(setOf(text));

function effectOf(changed: object | null): string {
  const principal = {
    type: 'workload',
    spiffe_id: 'spiffe://prod.acme.com/x',
    ...(changed && { token: { ...token, ...changed } }),
  };
  const request = requestFromJson({ principal, action: 'read', resource: { type: 'service' } }, 0);
  return authorizer.planFor(request.principal).decide(request).effect;
}

describe('a rule about an agent that acts for a user', () => {
  test('allows both together', () => assert.equal(effectOf({}), 'allow'));
  test('not without a token', () => assert.equal(effectOf(null), 'deny'));
  test('not another agent', () => assert.equal(effectOf({ actors: ['agent:other'] }), 'deny'));
  test('not nobody', () => assert.equal(effectOf({ actors: [] }), 'deny'));
  test('not actors of another type', () => assert.equal(effectOf({ actors: 'agent:planner' }), 'deny'));
  test('not a replay', () => assert.equal(effectOf({ replayed: true }), 'deny'));
});

test('the record of a request with a token gives the same question again', () => {
  const record = {
    time: '2026-11-23T12:00:00Z',
    action: { name: 'read', names: ['read', 'http:GET'], protocol: 'http' },
    resource: { type: 'service' },
    principal: {
      workload_id: 'anonymous',
      id: 'job:1',
      type: 'ci_job',
      authn: 'jwt',
      token: { ...token, jti_sha256: 'ab', audience: ['api'], not_after: '2026-11-23T12:05:00Z' },
    },
  };
  const { principal } = requestOfRecord(record, 0)!;
  assert.deepEqual([principal.id, principal.type, principal.authn], ['job:1', 'ci_job', 'jwt']);
  const { actors, subject, replayed } = principal.token!;
  assert.deepEqual([actors, subject, replayed], [['agent:planner'], 'user:alice', false]);
});
