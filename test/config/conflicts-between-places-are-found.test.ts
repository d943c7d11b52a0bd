// What is right by itself and wrong together.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changed, findingsOf, parse, refusalOf, smallest, warningsOf } from './sample-config.ts';

const second = (listen: string, more = '') =>
  `${smallest.replace('policy:', `  - { name: second, listen: "${listen}", forward: "http://127.0.0.1:8081"${more} }\npolicy:`)}`;

const conflicts: readonly (readonly [what: string, text: string, finding: string])[] = [
  [
    'two listeners of one name',
    second('0.0.0.0:9443').replace('name: second', 'name: api'),
    'postern.yaml:9:13: error: the name `api` is taken by `inbound[0]` [ERR_CONFIG_CONFLICT]; give each listener its own name',
  ],
  [
    'two listeners on one address',
    second('0.0.0.0:8443'),
    'postern.yaml:9:29: error: `0.0.0.0:8443` is taken by the listener `api` [ERR_CONFIG_CONFLICT]; give each listener its own address',
  ],
  [
    'a listener on an address that another one takes with all others',
    second('127.0.0.1:8443'),
    'postern.yaml:9:29: error: `127.0.0.1:8443` is taken by the listener `api` [ERR_CONFIG_CONFLICT]; give each listener its own address',
  ],
  [
    'a listener that forwards to itself',
    changed('127.0.0.1:8080', '127.0.0.1:8443'),
    'postern.yaml:8:14: error: `127.0.0.1:8443` is the listener `api`, not the workload [ERR_CONFIG_CONFLICT]; forward to the port that the workload listens on',
  ],
  [
    'a listener that forwards to itself by name',
    changed('127.0.0.1:8080', 'localhost:8443'),
    'postern.yaml:8:14: error: `localhost:8443` is the listener `api`, not the workload [ERR_CONFIG_CONFLICT]; forward to the port that the workload listens on',
  ],
  [
    'the admin API on the address of a listener',
    `${smallest}admin: { listen: "127.0.0.1:8443" }`,
    'postern.yaml:11:18: error: `127.0.0.1:8443` is taken by the listener `api` [ERR_CONFIG_CONFLICT]; give the admin API its own address',
  ],
  [
    'the address for probes on the address of a listener',
    `${smallest}admin: { probes: "127.0.0.1:8443" }`,
    'postern.yaml:11:18: error: `127.0.0.1:8443` is taken by the listener `api` [ERR_CONFIG_CONFLICT]; give the probes their own address',
  ],
  [
    'the address for probes on that of the admin API',
    `${smallest}admin: { probes: "127.0.0.1:9901" }`,
    'postern.yaml:11:18: error: `127.0.0.1:9901` is taken by `admin.listen` [ERR_CONFIG_CONFLICT]; give the probes their own address',
  ],
  [
    'a listener that forwards to the admin API',
    changed('127.0.0.1:8080', '127.0.0.1:9901'),
    'postern.yaml:8:14: error: `127.0.0.1:9901` is the admin API, which is never reachable through a listener [ERR_CONFIG_CONFLICT]; forward to the port that the workload listens on',
  ],
  [
    'a listener that forwards to the admin socket',
    `${changed('http://127.0.0.1:8080', 'unix:/run/a.sock')}admin: { listen: "unix:/run/a.sock" }`,
    'postern.yaml:8:14: error: `unix:/run/a.sock` is the admin API, which is never reachable through a listener [ERR_CONFIG_CONFLICT]; forward to the port that the workload listens on',
  ],
  [
    'a health path of the workload that the admin API answers itself',
    second('0.0.0.0:9443', ', health_passthrough: [/healthz, /readyz]'),
    'postern.yaml:9:110: error: `/readyz` is an endpoint of the admin API, which answers it itself [ERR_CONFIG_CONFLICT]; name the path that the workload answers with its own health, such as `/healthz`',
  ],
  [
    'a health path of the workload that is a decision of the admin API',
    changed('forward:', 'health_passthrough: [/decisions/health]\n    forward:'),
    'postern.yaml:8:26: error: `/decisions/health` is an endpoint of the admin API, which answers it itself [ERR_CONFIG_CONFLICT]; name the path that the workload answers with its own health, such as `/healthz`',
  ],
  [
    'one health path of two workloads',
    second('0.0.0.0:9443', ', health_passthrough: [/healthz]').replace(
      'forward:',
      'health_passthrough: [/healthz]\n    forward:',
    ),
    'postern.yaml:10:100: error: `/healthz` is asked of the workload of the listener `api` [ERR_CONFIG_CONFLICT]; the admin API has one answer for a path: give the workloads different ones, or name it once',
  ],
  [
    'a unix socket that is to be shared',
    changed('0.0.0.0:8443', 'unix:/run/in.sock\n    reuse_port: true'),
    'postern.yaml:8:17: error: `unix:/run/in.sock` is a file, which one process holds [ERR_CONFIG_CONFLICT]; listen on a TCP port, or take `reuse_port` out',
  ],
  [
    'workers behind a unix socket',
    `${changed('0.0.0.0:8443', 'unix:/run/in.sock')}workers: 2`,
    'postern.yaml:7:13: error: `unix:/run/in.sock` is a file, which several workers cannot share [ERR_CONFIG_CONFLICT]; listen on a TCP port, or write `workers: 1`',
  ],
  [
    'workers on a port that each would draw for itself',
    `${changed('0.0.0.0:8443', '0.0.0.0:0')}workers: auto`,
    'postern.yaml:7:13: error: each worker would get a free port of its own [ERR_CONFIG_CONFLICT]; write a port, or `workers: 1`',
  ],
  [
    'workers whose only record is standard output',
    `${smallest}audit: { journal: off, stdout: native }\nworkers: 2`,
    'postern.yaml:11:19: error: standard output as the only record cannot be shared by several workers [ERR_CONFIG_CONFLICT]; give a journal, or write `workers: 1`',
  ],
];

describe('a conflict is told:', () => {
  for (const [what, text, finding] of conflicts) test(what, () => assert.deepEqual(findingsOf(text), [finding]));
});

test('two listeners on free ports (port 0) do not collide', () => {
  assert.equal(parse(second('0.0.0.0:0').replace('0.0.0.0:8443', '0.0.0.0:0')).inbound.length, 2);
});

test('two listeners before one workload may name its health path both', () => {
  const text = second('0.0.0.0:9443', ', health_passthrough: [/healthz]')
    .replace('127.0.0.1:8081', '127.0.0.1:8080')
    .replace('forward:', 'health_passthrough: [/healthz]\n    forward:');
  assert.equal(parse(text).inbound.length, 2);
});

test('a conflict is told even where another section has a fault', () => {
  const codes = refusalOf(
    `${changed('127.0.0.1:8080', '127.0.0.1:8443')}inventory: { dormant_after: 90d }`,
  ).findings.map((finding) => finding.code);
  assert.deepEqual(codes, ['ERR_CONFIG_CONFLICT', 'ERR_CONFIG_NOT_YET']);
});

test('the embedded CA is refused in production', () => {
  const text = changed('source: files', 'source: dev-ca\n  dev_ca: { spiffe_id: "spiffe://a.example/x" }');
  const line =
    'postern.yaml:3:11: error: the embedded CA is for demos and tests, and NODE_ENV is `production` [ERR_CONFIG_UNSAFE]; use `source: files`';
  assert.deepEqual(findingsOf(text, { NODE_ENV: 'production' }), [line]);
  assert.equal(parse(text, { NODE_ENV: 'test' }).identity.source, 'dev-ca');
});

const routes = (...matches: string[]) =>
  changed('forward:', `routes: [${matches.map((match) => `{ match: ${match} }`).join(', ')}]\n    forward:`);

const dead: readonly (readonly [what: string, text: string, isDead: boolean])[] = [
  ['the same match twice', routes('{ path: /a }', '{ path: /a }'), true],
  ['a route behind one that matches everything', routes('{}', '{ path: /a }'), true],
  ['a literal behind a capture', routes('{ path: "/a/{b}" }', '{ path: /a/c }'), true],
  ['a literal behind the rest', routes('{ path: "/a/{b...}" }', '{ path: /a/c/d }'), true],
  ['fewer methods behind more', routes('{ path: /a, method: [GET, POST] }', '{ path: /a, method: [POST] }'), true],
  ['a header behind none', routes('{ path: /a }', '{ path: /a, header: { x: y } }'), true],
  ['a capture behind a literal', routes('{ path: /a/c }', '{ path: "/a/{b}" }'), false],
  ['the rest behind a capture', routes('{ path: "/a/{b}" }', '{ path: "/a/{b...}" }'), false],
  ['more methods behind fewer', routes('{ path: /a, method: [GET] }', '{ path: /a }'), false],
  ['another host', routes('{ path: /a, host: x }', '{ path: /a, host: y }'), false],
  ['another header', routes('{ path: /a, header: { x: y } }', '{ path: /a, header: { x: z } }'), false],
  ['a folder behind one that wants a segment', routes('{ path: "/a/{b}" }', '{ path: /a/ }'), false],
];

describe('a route that never matches', () => {
  for (const [what, text, isDead] of dead) {
    test(`${isDead ? 'is warned of' : 'is not seen in'}: ${what}`, () => {
      const warnings = warningsOf(text);
      assert.equal(warnings.length, isDead ? 1 : 0);
      if (isDead)
        assert.match(warnings[0] ?? '', /^postern\.yaml:8:\d+: warning: this route never matches: `routes\[0\]`/);
    });
  }
});
