import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MISTYPED } from '../../src/authz/model.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';
import { isPosternError } from '../../src/errors.ts';

const api = 'spiffe://prod.acme.com/ns/payments/api';
const read = (json: object) => requestFromJson({ action: 'read', ...json }, 42);

test('trust domain, path and namespace are drawn from the SPIFFE ID', () => {
  const { principal } = read({ principal: { spiffe_id: api } });
  assert.equal(principal.trustDomain, 'prod.acme.com');
  assert.equal(principal.path, '/ns/payments/api');
  assert.equal(principal.namespace, 'payments');
  assert.equal(principal.id, api);
  assert.equal(principal.type, 'workload');
});

for (const [path, namespace] of [
  ['/ns/payments/sa/api', 'payments'],
  ['/ns/payments', undefined],
  ['/tenant/ns/evil/ns/payments/x', undefined],
  ['', undefined],
] as const) {
  test(`\`${path}\` is in ${namespace ?? 'no'} namespace`, () => {
    assert.equal(read({ principal: { spiffe_id: `spiffe://td${path}` } }).principal.namespace, namespace);
  });
}

test('what is given is not derived, and null is missing', () => {
  const { principal } = read({ principal: { spiffe_id: api, namespace: 'other', trust_domain: null } });
  assert.equal(principal.namespace, 'other');
  assert.equal(principal.trustDomain, undefined);
  assert.equal(principal.path, '/ns/payments/api');
});

test('a value of the wrong type is mistyped, not missing', () => {
  const request = read({
    resource: { namespace: 7, port: '1' },
    network: { is_internal: 'yes' },
    tls: { peer: { not_after: 'x' } },
  });
  assert.equal(request.resource.namespace, MISTYPED);
  assert.equal(request.resource.port, MISTYPED);
  assert.equal(request.network.isInternal, MISTYPED);
  assert.equal(request.tls.peerNotAfterMs, MISTYPED);
});

test('time is that of the request, or now', () => {
  assert.equal(read({}).timeMs, 42);
  assert.equal(read({ request: { time: '1970-01-01T00:00:01Z' } }).timeMs, 1000);
});

test('an action is a name, a list, or an object', () => {
  assert.deepEqual(
    read({}).actions.map(({ names }) => names),
    [['read']],
  );
  assert.deepEqual(
    read({ action: ['a', 'b'] }).actions.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.deepEqual(read({ action: { name: 'a', names: ['b'], properties: { soft: true } } }).actions[0]?.names, [
    'a',
    'b',
  ]);
});

for (const [what, json, message] of [
  ['a list', [], /not a JSON object/],
  ['null', null, /not a JSON object/],
  ['no action', {}, /`action` is missing/],
  ['an empty list of actions', { action: [] }, /empty/],
  ['a number as an action', { action: 5 }, /`action`/],
  ['an unknown section', { action: 'a', princpal: {} }, /unknown key `princpal`/],
  ['an unknown attribute', { action: 'a', principal: { namspace: 'x' } }, /unknown key `namspace`/],
  ['a section that is a list', { action: 'a', context: [] }, /`context`/],
  ['a type that is a number', { action: 'a', resource: { type: 7 } }, /always present/],
  ['a time that is none', { action: 'a', request: { time: 5 } }, /RFC 3339/],
  ['an unknown direction', { action: 'a', network: { direction: 'up' } }, /inbound, outbound/],
] as const) {
  test(`${what} is no request`, () => {
    assert.throws(
      () => requestFromJson(json, 0),
      (error) => isPosternError(error, 'ERR_POLICY_REQUEST') && message.test(error.message),
    );
  });
}

test('`__proto__` and `constructor` in a context are entries like any other, and reach no prototype', () => {
  const request = requestFromJson(JSON.parse('{"action":"a","context":{"__proto__":{"x":1},"a":{}}}'), 0);
  assert.deepEqual(request.context.get('__proto__'), { x: 1 });
  assert.equal(request.context.get('constructor'), undefined);
});
