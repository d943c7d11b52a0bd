// `outbound`: who may call, where calls go, and who has to answer there. A fault gives one line; what is meant comes out.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matchesGlob } from '../../src/lib/glob.ts';
import { ejectionDefaults } from '../../src/proxy/endpoints/endpoint-options.ts';
import { findingsOf, parse, smallest } from './sample-config.ts';

const row = {
  name: 'orders',
  listen: '127.0.0.1:7001',
  to: '[orders.internal:8443]',
  accept: '["spiffe://prod.acme.com/ns/orders/*"]',
};

/** The smallest configuration with an outbound listener; `changes` replace or add keys. */
function withOutbound(changes: Readonly<Record<string, string | null>> = {}): string {
  const keys = Object.entries({ ...row, ...changes }).filter(([, value]) => value !== null);
  return `${smallest}outbound:\n  - { ${keys.map(([key, value]) => `${key}: ${value}`).join(', ')} }\n`;
}

test('the smallest listener comes out whole, with the documented defaults', () => {
  const [orders] = parse(withOutbound()).outbound;
  assert.deepEqual(orders?.to, [{ host: 'orders.internal', port: 8443 }]);
  assert.equal(orders.balance, 'round_robin');
  assert.deepEqual(orders.ejection, ejectionDefaults);
  assert.deepEqual(orders.resource, { type: 'service', name: 'orders' });
  const { connections, upstreamConnectMs, upstreamResponseMs, idleMs } = orders.limits;
  assert.deepEqual([connections, upstreamConnectMs, upstreamResponseMs, idleMs], [256, 1_000, 60_000, 60_000]);
  const [accept] = orders.accept;
  assert.ok(matchesGlob(accept!, 'spiffe://prod.acme.com/ns/orders/api'));
  assert.ok(!matchesGlob(accept!, 'spiffe://prod.acme.com/ns/orders/api/v2'));
  assert.ok(!matchesGlob(accept!, 'spiffe://prod.acme.com/ns/payments/api'));
});

test('a configuration without the section has no outbound listener', () => {
  assert.deepEqual(parse(smallest).outbound, []);
});

test('a workload that only calls needs no inbound listener, but nobody can do without both', () => {
  const inbound = smallest.slice(smallest.indexOf('inbound:'), smallest.indexOf('policy:'));
  assert.equal(parse(withOutbound().replace(inbound, '')).inbound.length, 0);
  assert.match(findingsOf(smallest.replace(inbound, '')).join('\n'), /there is no listener \[ERR_CONFIG_CONFLICT\]/);
});

const taken: readonly (readonly [what: string, changes: Record<string, string>])[] = [
  ['another address of loopback', { listen: '"127.1.0.7:80"' }],
  ['loopback of IPv6', { listen: '"[::1]:7001"' }],
  ['a unix socket', { listen: 'unix:/run/orders.sock' }],
  ['a peer by address', { to: '[10.0.0.7:8443]' }],
  ['several peers', { to: '[a.internal:1, b.internal:1, a.internal:2]' }],
  ['the fewest under way', { balance: 'least_requests' }],
  ['hosts for a proxy', { hosts: '[orders, orders.shop, "[::1]"]' }],
  ['no ejection', { ejection: '{ max_percent: 0, gateway_errors: 0 }' }],
  ['a peer by address of IPv6', { to: '["[fd00::7]:8443"]' }],
  ['one identity by name', { accept: '[spiffe://prod.acme.com/ns/orders/api]' }],
  ['a whole trust domain', { accept: '["spiffe://prod.acme.com/**"]' }],
];

describe('what is taken', () => {
  for (const [what, changes] of taken) test(what, () => assert.equal(parse(withOutbound(changes)).outbound.length, 1));
});

const aProxy = { protocol: 'proxy', to: null, accept: null };

const refused: readonly (readonly [what: string, changes: Record<string, string | null>, line: RegExp])[] = [
  ['an address that others reach', { listen: '0.0.0.0:7001' }, /lets other machines call.*ERR_CONFIG_UNSAFE/],
  ['a name that only looks like loopback', { listen: '127.0.0.1.example.com:7001' }, /is not an IP address/],
  ['nobody to accept', { accept: '[]' }, /outbound\[0\]\.accept.*ERR_CONFIG_VALUE/],
  ['accept left out', { accept: null }, /the key `outbound\[0\]\.accept` is missing/],
  ['anybody', { accept: '["*"]' }, /is no pattern of SPIFFE IDs/],
  ['any trust domain', { accept: '["spiffe://*/ns/orders/api"]' }, /the trust domain has to be named/],
  ['a trust domain in part', { accept: '["spiffe://prod.*/ns/orders/api"]' }, /the trust domain has to be named/],
  ['a trust domain alone', { accept: '[spiffe://prod.acme.com]' }, /is no pattern of SPIFFE IDs of workloads/],
  ['a path that no ID has', { accept: '["spiffe://prod.acme.com/a//b"]' }, /is no pattern of SPIFFE IDs/],
  ['a peer without a port', { to: '[orders.internal]' }, /is not a host with a port/],
  ['a peer with a scheme', { to: '["https://orders.internal:8443"]' }, /is not a host with a port/],
  ['a peer at port 0', { to: '[orders.internal:0]' }, /is not a host with a port/],
  ['half an address', { to: '["10.1:8443"]' }, /is not a host with a port/],
  ['an address twice', { to: '[a.internal:1, b.internal:2, A.internal:1]' }, /the address is listed twice/],
  ['another way to choose', { balance: 'random' }, /is not one of the words.*`round_robin`, `least_requests`/],
  ['a first ejection above the most', { ejection: '{ first: 1h }' }, /`first` is longer than `most`/],
  ['more than all', { ejection: '{ max_percent: 101 }' }, /`101` is not a whole number in range/],
  ['retries without an end', { retries: '11' }, /`11` is not a whole number in range/],
  ['another protocol', { protocol: 'udp' }, /`udp` is not one of the words/],
  [
    'routes of what nobody reads',
    { protocol: 'tcp', routes: '[{ match: { path: /a } }]' },
    /`protocol: tcp` has no requests that `routes` could match/,
  ],
  ...(['response: 5s', 'request: 1m', 'requests: 10'] as const).map(
    (limit): readonly [string, Record<string, string>, RegExp] => [
      `\`${limit}\` of what nobody reads`,
      { protocol: 'tcp', limits: `{ pending: 10, ${limit} }` },
      new RegExp(`\`limits\\.${limit.split(':')[0]}\` is about requests`),
    ],
  ),
  ['a proxy with a mode of its own', { ...aProxy, mode: 'shadow' }, /a proxy has no `mode`/],
  ['a proxy that sends again', { ...aProxy, retries: '3' }, /a proxy has no `retries`/],
  ['a proxy with a circuit breaker', { ...aProxy, limits: '{ pending: 3 }' }, /a proxy has no `limits.pending`/],
  ['a proxy that leads somewhere', { protocol: 'proxy' }, /a proxy has no `to`/],
  ['a proxy of whom nobody is reached', { protocol: 'proxy', to: null, accept: null }, /nobody can be reached through/],
  ['a host with a port', { hosts: '["orders:80"]' }, /is not a host/],
  ['a host twice', { hosts: '[orders, Orders]' }, /the host `orders` leads to the listener `orders` already/],
  ['to left out', { to: null }, /the key `outbound\[0\]\.to` is missing/],
  ['the address of an inbound listener', { listen: '127.0.0.1:8443' }, /is taken by the listener `api`/],
  ['the name of an inbound listener', { name: 'api' }, /the name `api` is taken by `inbound\[0\]`/],
  ['the address that the inbound listener forwards to', { listen: '127.0.0.1:8080' }, /not the workload/],
  ['the address of the admin API', { listen: '127.0.0.1:9901' }, /is taken by the listener `orders`/],
  ['a misspelt key', { acept: '[]' }, /unknown key `acept`.*did you mean `accept`/],
];

describe('what is refused', () => {
  for (const [what, changes, line] of refused) {
    test(what, () => assert.match(findingsOf(withOutbound(changes)).join('\n'), line));
  }
});
