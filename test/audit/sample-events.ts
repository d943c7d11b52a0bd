// Events such as the proxy makes, for tests and benches of the audit part.

import type { AuthnFailedEvent, ConnectionFacts, DecisionEvent, OutcomeEvent } from '../../src/audit/decision-event.ts';
import type { JournalOptions } from '../../src/audit/journal-options.ts';
import { journalDefaults } from '../../src/audit/journal-options.ts';
import type { Action, Decision, Principal } from '../../src/authz/model.ts';

export const principal: Principal = Object.freeze({
  id: 'spiffe://prod.acme.com/ns/payments/sa/api',
  type: 'workload',
  spiffeId: 'spiffe://prod.acme.com/ns/payments/sa/api',
  trustDomain: 'prod.acme.com',
  path: '/ns/payments/sa/api',
  namespace: 'payments',
  serviceAccount: 'api',
  environment: 'production',
  attestation: 'k8s_sat',
  issuer: 'prod.acme.com CN=Acme CA,O=Acme',
  authn: 'mtls',
  labels: new Map(),
  claims: new Map(),
} as const);

export const connection: ConnectionFacts = Object.freeze({
  connectionId: '019abcde-0000-7000-8000-00000000c0de',
  listener: 'inbound',
  credential: Object.freeze({
    type: 'x509-svid',
    serial: '01:ab',
    notBeforeMs: 1_790_000_000_000,
    notAfterMs: 1_790_003_600_000,
    fingerprintSha256: 'a'.repeat(64),
  } as const),
  resumed: false,
});

export const allow = Object.freeze({
  effect: 'allow',
  permit: {},
  reason: 'rule',
  policy: { name: 'payment-service-access', mode: 'enforce' },
  rule: { policy: 'payment-service-access', name: 'database-access', effect: 'allow', priority: 100 },
  matched: [{ policy: 'payment-service-access', name: 'database-access', effect: 'allow', priority: 100 }],
  overrode: [],
  indeterminate: [],
  shadow: null,
  obligations: { credentialTtlS: 3600 },
  bundleDigest: `sha256:${'b'.repeat(64)}`,
}) as unknown as Decision;

/** What no rule covers. */
export const deny = Object.freeze({
  ...allow,
  effect: 'deny',
  permit: null,
  reason: 'default',
  rule: null,
  matched: [],
  obligations: null,
}) as unknown as Decision;

export const action: Action = Object.freeze({
  name: 'read',
  names: ['read', 'http:GET'],
  protocol: 'http',
  properties: new Map(),
} as const);

const network = Object.freeze({
  sourceIp: '10.0.0.7',
  sourcePort: 50_000,
  destinationIp: '10.0.0.9',
  destinationPort: 8443,
  isInternal: true,
  direction: 'inbound',
} as const);

const tls = Object.freeze({
  version: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  sni: 'payments.prod.svc',
  alpn: 'http/1.1',
  peerSerial: '01:ab',
  peerNotBeforeMs: 1_790_000_000_000,
  peerNotAfterMs: 1_790_003_600_000,
  peerFingerprintSha256: 'a'.repeat(64),
} as const);

const actions = Object.freeze([action]);
const absent = (): undefined => undefined;

/** The n-th of a row of decisions, as different as those of one busy connection. */
export function decisionEvent(n = 0, change: Partial<DecisionEvent> = {}): DecisionEvent {
  const id = String(n).padStart(12, '0');
  const path = `/v1/payments/${n}`;
  return {
    decisionId: `019abcde-0000-7000-8000-${id}`,
    timeUs: 1_795_341_600_000_000 + n * 137,
    decision: allow,
    enforced: true,
    status: null,
    request: {
      principal,
      actions,
      resource: {
        type: 'http_endpoint',
        name: 'payments_db',
        id: undefined,
        namespace: 'payments',
        environment: 'production',
        host: 'payments.prod.svc',
        port: 8443,
        path,
        route: '/v1/payments/{id}',
        service: undefined,
        method: 'GET',
        topic: undefined,
        owner: undefined,
        labels: new Map(),
      },
      network,
      tls,
      timeMs: 1_795_341_600_000,
      requestId: `req-${id}`,
      http: { method: 'GET', header: absent, query: absent },
      grpcService: undefined,
      grpcMethod: undefined,
      context: new Map(),
    },
    connection,
    correlation: {
      requestId: `req-${id}`,
      requestIdSource: 'client',
      traceId: `0af7651916cd43dd8448${id}`,
      spanId: `b7ad${id}`,
      traceFlags: '01',
    },
    path,
    route: '/v1/payments/{id}',
    host: 'payments.prod.svc',
    method: 'GET',
    evalNs: 420,
    planCache: 'hit',
    environmentBoundary: null,
    credentialLifetimeAlarm: false,
    headerHashes: null,
    upgrade: null,
    ...change,
  };
}

export function outcomeEvent(n = 0, change: Partial<OutcomeEvent> = {}): OutcomeEvent {
  return {
    decisionId: `019abcde-0000-7000-8000-${String(n).padStart(12, '0')}`,
    timeUs: 1_795_341_601_000_000 + n,
    result: 'upstream_failed',
    status: 502,
    requestBytes: 0,
    responseBytes: 312,
    durationUs: 4200,
    connectionId: connection.connectionId,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    requestId: 'req',
    code: 'ERR_UPSTREAM_FAILED',
    detail: 'the workload closed the connection',
    ...change,
  };
}

export function authnFailedEvent(change: Partial<AuthnFailedEvent> = {}): AuthnFailedEvent {
  return {
    decisionId: '019abcde-0000-7000-8000-0000000000af',
    timeUs: 1_795_341_602_000_000,
    reason: 'authn_failed',
    cause: 'certificate_expired',
    detail: 'expected a certificate that is valid now, got one that ended an hour ago',
    shown: 'spiffe://other.example/x',
    connection,
    direction: 'inbound',
    sourceIp: '10.0.0.7',
    sourcePort: 50_001,
    destinationIp: '10.0.0.9',
    destinationPort: 8443,
    sni: 'payments.prod.svc',
    ...change,
  };
}

/** Who decided. */
export const proxyFacts = Object.freeze({
  instance: 'test',
  workloadId: 'spiffe://prod.acme.com/ns/payments/sa/db',
  node: null,
  pod: null,
  version: '0.1.0',
});

/** Options of a journal in `dir`, without stdout. */
export function journalOptions(dir: string, change: Partial<JournalOptions> = {}): JournalOptions {
  return { ...journalDefaults, dir, stdout: 'off', proxy: proxyFacts, ...change };
}
