import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsOfMethod } from '../../src/proxy/action-names.ts';
import type { ActionTemplate, ResourceTemplate, RouteOptions } from '../../src/proxy/inbound-options.ts';
import { RouteTable } from '../../src/proxy/route-table.ts';
import { FieldList } from '../../src/wire/field-list.ts';

const own = {
  spiffeId: 'spiffe://prod.acme.com/ns/payments/api',
  namespace: 'payments',
  environment: 'prod',
  service: 'api',
};

function table(options: {
  resource?: ResourceTemplate;
  action?: ActionTemplate;
  routes?: readonly RouteOptions[];
}): RouteTable {
  return new RouteTable(
    { protocol: 'http', resource: options.resource, action: options.action ?? 'auto', routes: options.routes ?? [] },
    own,
  );
}

function request(path: string, over: { method?: string; host?: string; fields?: readonly [string, string][] } = {}) {
  const fields = new FieldList();
  for (const [name, value] of over.fields ?? []) fields.push(name, name.toLowerCase(), value);
  return { method: over.method ?? 'GET', host: over.host ?? 'payments.internal', port: undefined, path, fields };
}

test('methods become read, write and their own name', () => {
  const rows: readonly [string, readonly string[]][] = [
    ['GET', ['read', 'http:GET']],
    ['HEAD', ['read', 'http:HEAD']],
    ['OPTIONS', ['read', 'http:OPTIONS']],
    ['POST', ['write', 'http:POST']],
    ['PUT', ['write', 'http:PUT']],
    ['PATCH', ['write', 'http:PATCH']],
    ['DELETE', ['write', 'http:DELETE']],
    ['BREW', ['http:BREW']],
    ['get', ['http:get']],
  ];
  for (const [method, names] of rows) {
    const actions = actionsOfMethod(method);
    assert.equal(actions.length, 1, method);
    assert.deepEqual(actions[0]!.names, names);
    assert.equal(actions[0]!.name, names[0]);
  }
});

test('without a route the resource is the own service, in the own namespace and environment', () => {
  const { resource, actions, route } = table({}).map(request('/a/b'));
  assert.equal(resource.type, 'http_endpoint');
  assert.equal(resource.name, 'api');
  assert.equal(resource.namespace, 'payments');
  assert.equal(resource.environment, 'prod');
  assert.equal(resource.path, '/a/b');
  assert.equal(resource.host, 'payments.internal');
  assert.equal(resource.method, 'GET');
  assert.equal(route, null);
  assert.equal(actions[0]!.name, 'read');
});

test('the namespace of a configured resource wins over the own one', () => {
  const { resource } = table({ resource: { type: 'database', name: 'ledger_db', namespace: 'ledger' } }).map(
    request('/'),
  );
  assert.equal(resource.namespace, 'ledger');
  assert.equal(resource.environment, 'prod');
});

test('the first matching route wins and its captures fill resource and action', () => {
  const routes: readonly RouteOptions[] = [
    {
      match: { method: ['POST'], path: '/topics/{topic}' },
      resource: { type: 'message_queue', topic: '{topic}' },
      action: ['publish'],
    },
    { match: { path: '/rpc/{method}' }, action: ['call-{method}'] },
    { match: { path: '/topics/{rest...}' }, resource: { type: 'message_queue', topic: 'all' } },
  ];
  const all = table({ resource: { type: 'service', name: 'payments' }, routes });
  const published = all.map(request('/topics/audit.payments.card', { method: 'POST' }));
  assert.equal(published.resource.type, 'message_queue');
  assert.equal(published.resource.topic, 'audit.payments.card');
  assert.equal(published.resource.name, undefined, 'a route replaces the resource of the listener');
  assert.equal(published.actions[0]!.name, 'publish');
  assert.equal(published.route, '/topics/{topic}');
  const called = all.map(request('/rpc/transfer', { method: 'POST' }));
  assert.equal(called.resource.name, 'payments');
  assert.deepEqual(called.actions[0]!.names, ['call-transfer']);
  assert.equal(all.map(request('/topics/a/b')).resource.topic, 'all');
});

test('a capture is one whole, non-empty segment', () => {
  const routes = [{ match: { path: '/t/{x}' }, resource: { type: 'hit' } }];
  const types = (path: string) => table({ routes }).map(request(path)).resource.type;
  assert.equal(types('/t/a'), 'hit');
  for (const path of ['/t', '/t/', '/t/a/b', '/t/a/', '/T/a', '/u/a', '/'])
    assert.equal(types(path), 'http_endpoint', path);
});

test('a rest capture needs at least one segment', () => {
  const routes = [{ match: { path: '/t/{x...}' }, resource: { type: 'hit', name: '{x}' } }];
  const all = table({ routes });
  assert.equal(all.map(request('/t/a/b/c')).resource.name, 'a/b/c');
  assert.equal(all.map(request('/t')).resource.type, 'http_endpoint');
  assert.equal(all.map(request('/t/')).resource.type, 'http_endpoint');
});

test('the asterisk of OPTIONS is no path, so no route with a path takes it', () => {
  const routes = [{ match: { path: '/' }, resource: { type: 'hit' } }];
  assert.equal(table({ routes }).map(request('/')).resource.type, 'hit');
  assert.equal(table({ routes }).map(request('*')).resource.type, 'http_endpoint');
});

test('host and header narrow a route, and a header sent twice matches none', () => {
  const routes = [{ match: { host: 'Payments.Internal', header: { 'X-Tier': 'gold' } }, resource: { type: 'hit' } }];
  const type = (over: Parameters<typeof request>[1]) => table({ routes }).map(request('/', over)).resource.type;
  assert.equal(type({ fields: [['X-TIER', 'gold']] }), 'hit');
  assert.equal(type({ fields: [['x-tier', 'silver']] }), 'http_endpoint');
  assert.equal(type({}), 'http_endpoint');
  assert.equal(type({ host: 'orders.internal', fields: [['x-tier', 'gold']] }), 'http_endpoint');
  assert.equal(
    type({
      fields: [
        ['x-tier', 'gold'],
        ['x-tier', 'silver'],
      ],
    }),
    'http_endpoint',
  );
});

test('several words of an action must each be allowed', () => {
  const { actions } = table({ action: ['read', 'write'] }).map(request('/'));
  assert.deepEqual(
    actions.map((action) => action.name),
    ['read', 'write'],
  );
});

test('a broken template does not compile', () => {
  const rows: readonly RouteOptions[] = [
    { match: { path: 'topics' } },
    { match: { path: '/a/{x}/{x}' } },
    { match: { path: '/a/{x...}/b' } },
    { match: { path: '/a/x{y}' } },
    { match: { path: '/a/{x}' }, resource: { type: 't', name: '{y}' } },
    { match: {}, action: ['{y}'] },
  ];
  for (const row of rows)
    assert.throws(() => table({ routes: [row] }), { code: 'ERR_CONFIG_ROUTE' }, JSON.stringify(row));
});
