// `protocol: tcp`: what goes with it, what else holds by default, and what is about requests and therefore refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress } from '../../src/lib/socket-address.ts';
import { changed, findingsOf, parse } from './sample-config.ts';

function withTcp(more = '', forward = 'tcp://127.0.0.1:5432'): string {
  return changed('forward: http://127.0.0.1:8080', `protocol: tcp\n    forward: ${forward}${more}`);
}

test('tokens in the clear are refused', () => {
  const text = changed('forward:', 'plaintext: permit\n    identity_required: token\n    forward:');
  assert.match(findingsOf(text).join('\n'), /tokens cross the network in the clear \[ERR_CONFIG_UNSAFE\]/);
});

test('a TCP listener may be idle for an hour and has no age, unless it says so', () => {
  const [listener] = parse(withTcp()).inbound;
  assert.equal(formatAddress(listener!.forward), '127.0.0.1:5432');
  assert.deepEqual([listener!.limits.idleMs, listener!.limits.connectionAgeMs], [3_600_000, Number.POSITIVE_INFINITY]);
  const [said] = parse(withTcp('\n    limits: { idle: 5m, connection_age: 1h }')).inbound;
  assert.deepEqual([said!.limits.idleMs, said!.limits.connectionAgeMs], [300_000, 3_600_000]);
  assert.equal(parse(changed('', '')).inbound[0]!.limits.idleMs, 60_000);
});

const refused: readonly (readonly [what: string, text: string, line: RegExp])[] = [
  ['another way to speak', withTcp('', 'http://127.0.0.1:5432'), /cannot forward to `http:\/\/`.*write `tcp:\/\/127/],
  ['HTTP to a TCP address', changed('http://127', 'tcp://127'), /`protocol: http` cannot forward to `tcp:\/\/`/],
  ['routes', withTcp('\n    routes: [{ match: { path: /a } }]'), /:\d+:\d+: error: .*no requests that `routes`/],
  ['tokens', withTcp('\n    identity_required: token'), /`identity_required` is about requests/],
  ['probes', withTcp('\n    health_passthrough: [/healthz]'), /`health_passthrough` is about requests/],
  ['paths', withTcp('\n    path_normalization: canonicalize'), /`path_normalization` is about requests/],
  ['what a denied caller sees', withTcp('\n    deny: { status: 404 }'), /`deny` is about requests/],
  ['headers', withTcp('\n    workload_headers: [x-postern-peer]'), /`workload_headers` is about requests/],
  ...Object.entries({
    header_bytes: '8KiB',
    headers: '10',
    body_bytes: '1MiB',
    header: '1s',
    request: '1m',
    websocket_idle: '5m',
    upstream_response: '5s',
    streams: '10',
    min_body_rate: '1KiB/s',
  }).map(([key, value]): readonly [string, string, RegExp] => [
    `\`limits.${key}\``,
    withTcp(`\n    limits: { idle: 5m, ${key}: ${value} }`),
    new RegExp(`:\\d+:\\d+: error: .*\`limits\\.${key}\` is about requests.*ERR_CONFIG_VALUE`),
  ]),
  [
    'a PROXY header for HTTP',
    changed('forward:', 'proxy_protocol: { send: v2 }\n    forward:'),
    /HTTP says who calls in its fields/,
  ],
  ['version 1', withTcp('\n    proxy_protocol: { send: v1 }'), /`v1` is not one of the words/],
  ['a balancer that is no network', withTcp('\n    proxy_protocol: { accept_from: [lb] }'), /`lb` is not a network/],
  ['a mode of a port', withTcp('\n    socket_mode: "0660"'), /`0\.0\.0\.0:8443` is no unix socket/],
  ['a mode that is none', withTcp('\n    socket_mode: "999"'), /`999` is not the mode of a file/],
  ['a machine away', withTcp('', 'tcp://10.0.0.1:5432'), /is not on this machine/],
];

describe('what is refused of `protocol: tcp`', () => {
  for (const [what, text, line] of refused) {
    test(what, () => assert.match(findingsOf(text).join('\n'), line));
  }
});
