// The calls of the demo, each with what must come of it: the demo is a test that one can watch.

import https from 'node:https';
import type { CallerName, DemoWorld } from './demo-world.ts';

export interface DemoCall {
  readonly title: string;
  readonly caller: CallerName;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Status, or null where the handshake must fail. */
  readonly expectStatus: number | null;
  /** Reason on record, and the rule where one decided. */
  readonly expectReason: string;
  readonly expectRule: string | null;
}

export const demoCalls: readonly DemoCall[] = [
  {
    title: 'the payments API reads a payment',
    caller: 'api',
    method: 'GET',
    path: '/payments/42',
    expectStatus: 200,
    expectReason: 'rule',
    expectRule: 'database-access',
  },
  {
    title: 'the payments API publishes an audit event',
    caller: 'api',
    method: 'POST',
    path: '/topics/audit.payments.card',
    expectStatus: 200,
    expectReason: 'rule',
    expectRule: 'audit-log-write',
  },
  {
    title: 'a worker of the same namespace reads a payment',
    caller: 'worker',
    method: 'GET',
    path: '/payments/42',
    expectStatus: 403,
    expectReason: 'default',
    expectRule: null,
  },
  {
    title: 'the payments API reaches for the ledger of another namespace',
    caller: 'api',
    method: 'GET',
    path: '/ledger/2026',
    expectStatus: 403,
    expectReason: 'rule',
    expectRule: 'deny-cross-namespace',
  },
  {
    title: 'a staging certificate tries production',
    caller: 'staging',
    method: 'GET',
    path: '/payments/42',
    expectStatus: 403,
    expectReason: 'rule',
    expectRule: 'deny-other-environment',
  },
  {
    title: 'a service that no policy speaks of',
    caller: 'orders',
    method: 'GET',
    path: '/payments/42',
    expectStatus: 403,
    expectReason: 'no_policy',
    expectRule: null,
  },
  {
    title: 'a path that policy and service might read differently',
    caller: 'api',
    method: 'GET',
    path: '/payments/%2e%2e/ledger/2026',
    expectStatus: 400,
    expectReason: 'bad_request_target',
    expectRule: null,
  },
  {
    title: 'a caller without a certificate',
    caller: 'nobody',
    method: 'GET',
    path: '/payments/42',
    expectStatus: null,
    expectReason: 'authn_failed',
    expectRule: null,
  },
];

/** What came of a call. `status` null: the handshake was refused, `failure` says how the caller saw it. */
export interface CallOutcome {
  readonly call: DemoCall;
  readonly status: number | null;
  readonly decisionId: string | null;
  readonly body: string;
  readonly failure: string | null;
}

const patienceMs = 10_000;

/** Makes one call over a connection of its own. */
export function makeCall(world: DemoWorld, call: DemoCall): Promise<CallOutcome> {
  const { id: _, ...credentials } = world.callers[call.caller];
  return new Promise((resolve) => {
    const ended = (outcome: Omit<CallOutcome, 'call'>): void => resolve({ call, ...outcome });
    const request = https.request({
      host: '127.0.0.1',
      port: world.port,
      method: call.method,
      path: call.path,
      agent: false,
      timeout: patienceMs,
      // The sidecar's name is its SPIFFE ID, not a host name.
      checkServerIdentity: () => undefined,
      ...credentials,
    });
    request.on('response', (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        body += piece;
      });
      const id = answer.headers['x-postern-decision-id'];
      const decisionId = typeof id === 'string' ? id : null;
      answer.on('end', () => ended({ status: answer.statusCode ?? 0, decisionId, body, failure: null }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', (error) => ended({ status: null, decisionId: null, body: '', failure: error.message }));
    request.end();
  });
}
