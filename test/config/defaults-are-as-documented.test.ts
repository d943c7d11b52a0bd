// The smallest configuration gives every default; the example and each written form give what they say.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/load-config.ts';
import type { PosternConfig } from '../../src/config/postern-config.ts';
import { changed, parse, smallest } from './sample-config.ts';

test('the smallest configuration has every default', () => {
  assert.deepEqual(parse(smallest), {
    file: '/etc/postern/postern.yaml',
    identity: {
      source: 'files',
      files: {
        certFile: '/etc/postern/tls.crt',
        keyFile: '/etc/postern/tls.key',
        bundleFile: '/etc/postern/bundle.pem',
      },
      federation: [],
      attributes: [],
      tokens: [],
      bundleEndpoint: null,
      signJournalMs: null,
      crl: { files: [], expired: 'refuse' },
    },
    inbound: [
      {
        name: 'api',
        listen: { kind: 'tcp', host: '0.0.0.0', port: 8443 },
        protocol: 'http',
        plaintext: 'refuse',
        proxyProtocol: { acceptFrom: [], send: false },
        http2: false,
        workloadSpeaks: 'http1',
        reusePort: false,
        socketMode: 0o600,
        forward: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
        resource: undefined,
        action: 'auto',
        routes: [],
        identityRequired: 'x509',
        forwardToken: false,
        mode: 'enforce',
        pathNormalization: 'reject',
        pathParameters: 'reject',
        healthPassthrough: [],
        deny: { status: 403, body: 'problem' },
        limits: {
          connections: 10_000,
          headerBytes: 65_536,
          headers: 100,
          bodyBytes: Number.POSITIVE_INFINITY,
          handshakeMs: 10_000,
          handshakes: 1_000,
          headerMs: 10_000,
          idleMs: 60_000,
          requestMs: Number.POSITIVE_INFINITY,
          upstreamConnectMs: 1_000,
          upstreamResponseMs: 60_000,
          minBodyRateBytesPerS: 100,
          websocketIdleMs: 3_600_000,
          connectionAgeMs: 3_600_000,
          streams: 100,
        },
        workloadHeaders: ['x-forwarded-client-cert', 'x-postern-peer', 'x-postern-decision-id'],
      },
    ],
    outbound: [],
    policy: {
      paths: ['/etc/postern/policies'],
      shadowPaths: [],
      allowAnyTrustDomain: false,
      strict: false,
      environmentBoundary: 'deny',
      internalNetworks: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7'],
      planCacheEntries: 10_000,
      revocationsFile: null,
      credentialCheck: 'bound',
      maxCredentialLifetime: { action: 'alarm', maxMs: 86_400_000 },
    },
    audit: {
      dir: '/var/lib/postern/journal',
      segmentBytes: 67_108_864,
      keepBytes: 1_073_741_824,
      whenFull: 'deny',
      fsync: { kind: 'interval', intervalMs: 1_000 },
      stdout: 'native',
      redactPath: 'full',
      redactHeaders: [],
      outcomes: 'errors',
      sinks: [],
    },
    inventory: { registryFile: null },
    admin: { listen: { kind: 'tcp', host: '127.0.0.1', port: 9901 } },
    shutdown: { drainMs: 30_000 },
    workers: 1,
    secrets: new Set(),
    watchedPaths: ['/etc/postern/postern.yaml', '/etc/postern/policies'],
  });
});

const forms: readonly (readonly [
  what: string,
  text: string,
  read: (config: PosternConfig) => unknown,
  expected: unknown,
])[] = [
  [
    'fsync: always',
    `${smallest}audit: { journal: { fsync: always } }`,
    (config) => config.audit.fsync,
    { kind: 'always' },
  ],
  ['fsync: off', `${smallest}audit: { journal: { fsync: off } }`, (config) => config.audit.fsync, { kind: 'off' }],
  [
    'fsync: interval:250ms',
    `${smallest}audit: { journal: { fsync: "interval:250ms" } }`,
    (config) => config.audit.fsync,
    { kind: 'interval', intervalMs: 250 },
  ],
  ['journal: off', `${smallest}audit: { journal: off }`, (config) => config.audit.dir, null],
  ['a relative journal', `${smallest}audit: { journal: { dir: j } }`, (config) => config.audit.dir, '/etc/postern/j'],
  [
    'a header to record, in lower case',
    `${smallest}audit: { redact: { headers: [X-Tier] } }`,
    (config) => config.audit.redactHeaders,
    ['x-tier'],
  ],
  [
    'max_credential_lifetime: 24h',
    changed('paths:', 'max_credential_lifetime: 24h\n  paths:'),
    (config) => config.policy.maxCredentialLifetime,
    { action: 'deny', maxMs: 86_400_000 },
  ],
  [
    'max_credential_lifetime: off',
    changed('paths:', 'max_credential_lifetime: off\n  paths:'),
    (config) => config.policy.maxCredentialLifetime,
    null,
  ],
  [
    'an admin socket',
    `${smallest}admin: { listen: "unix:/run/postern/admin.sock" }`,
    (config) => config.admin.listen,
    { kind: 'unix', path: '/run/postern/admin.sock' },
  ],
  ['no drain', `${smallest}shutdown: { drain: 0s }`, (config) => config.shutdown.drainMs, 0],
  ['one action', changed('forward:', 'action: read\n    forward:'), (config) => config.inbound[0]?.action, ['read']],
  [
    'several actions',
    changed('forward:', 'action: [read, write]\n    forward:'),
    (config) => config.inbound[0]?.action,
    ['read', 'write'],
  ],
  [
    'a limit without end',
    changed('forward:', 'limits: { connection_age: unlimited }\n    forward:'),
    (config) => config.inbound[0]?.limits.connectionAgeMs,
    Number.POSITIVE_INFINITY,
  ],
  [
    'a workload elsewhere, by its ugly key',
    changed('127.0.0.1:8080', '10.1.2.3:8080\n    unsafe_forward: true'),
    (config) => config.inbound[0]?.forward,
    { kind: 'tcp', host: '10.1.2.3', port: 8080 },
  ],
  [
    'the embedded CA with its defaults',
    changed('source: files', 'source: dev-ca\n  dev_ca: { spiffe_id: "spiffe://a.example/ns/x/y" }'),
    (config) => config.identity,
    {
      source: 'dev-ca',
      devCa: { dir: '/etc/postern/.postern/ca', spiffeId: 'spiffe://a.example/ns/x/y', ttlMs: 3_600_000 },
      federation: [],
      attributes: [],
      tokens: [],
      bundleEndpoint: null,
      signJournalMs: null,
      crl: { files: [], expired: 'refuse' },
    },
  ],
  [
    'a federated trust domain by file',
    changed(
      '  source:',
      '  federation: [{ trust_domain: partner.example, bundle: { file: ../partner.pem } }]\n  source:',
    ),
    (config) => config.identity.federation,
    [{ trustDomain: 'partner.example', bundleFile: '/etc/partner.pem', endpoint: null }],
  ],
];

describe('a written form', () => {
  for (const [what, text, read, expected] of forms) test(what, () => assert.deepEqual(read(parse(text)), expected));
});

test('the example loads, and its paths start from its own folder', async () => {
  const { config, warnings } = await loadConfig('docs/examples/postern.yaml', {}, process.cwd());
  assert.deepEqual(warnings, []);
  assert.equal(
    config.identity.source === 'files' && config.identity.files.keyFile,
    `${process.cwd()}/docs/examples/tls/tls.key`,
  );
  assert.equal(config.inbound[0]?.routes[0]?.resource?.topic, '{topic}');
});

test('every part of a configuration is frozen', () => {
  const seen: unknown[] = [parse(readFileSync('docs/examples/postern.yaml', 'utf8'))];
  for (const value of seen) {
    if (typeof value !== 'object' || value === null) continue;
    assert.ok(Object.isFrozen(value), JSON.stringify(value));
    seen.push(...Object.values(value));
  }
});
