// The main road: what each caller gets, what the workload sees, and what stands in the journal.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mesh, seedPolicy } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

type JsonRecord = Record<string, unknown> & { readonly principal?: Record<string, unknown> };

const routes = `    resource: { type: database, name: payments_db }
    routes:
      - match: { method: [POST], path: "/topics/{topic}" }
        resource: { type: message_queue, topic: "{topic}" }
        action: publish
      - match: { path: "/ledger/{entry...}" }
        resource: { type: database, name: ledger_db, namespace: ledger }
`;

function head(text: string): string {
  return text.slice(0, text.indexOf('\r\n\r\n'));
}

function decisionId(answer: string): string {
  return /x-postern-decision-id: (\S+)/.exec(answer)?.[1] ?? '';
}

test('the seed policy decides over mutual TLS as its vectors say', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port, policy: seedPolicy, inbound: routes });
  await mesh.start(t);
  const rows: readonly [caller: string, request: string, status: number, reason: string, rule: string | null][] = [
    ['payments/api', 'GET /payments/1', 200, 'rule', 'database-access'],
    ['payments/api', 'PUT /payments/1', 200, 'rule', 'database-access'],
    ['payments/api', 'POST /topics/audit.payments.card', 200, 'rule', 'audit-log-write'],
    ['payments/worker', 'POST /topics/audit.payments.card', 200, 'rule', 'audit-log-write'],
    ['payments/api', 'POST /topics/audit.payments', 403, 'default', null],
    ['payments/api', 'POST /topics/audit.payments.card.eu', 403, 'default', null],
    ['payments/api', 'POST /topics/AUDIT.payments.card', 403, 'default', null],
    ['payments/worker', 'GET /payments/1', 403, 'default', null],
    ['payments/api', 'BREW /payments/1', 403, 'default', null],
    ['payments/api', 'GET /ledger/1', 403, 'rule', 'deny-cross-namespace'],
    ['orders/api', 'GET /payments/1', 403, 'no_policy', null],
    ['payments/sa/api', 'GET /payments/1', 403, 'rule_indeterminate', 'deny-other-environment'],
  ];
  let allowed = 0;
  for (const [caller, line, status, reason, rule] of rows) {
    const peer = await RawPeer.connect(mesh.port, await mesh.caller(`spiffe://prod.acme.com/ns/${caller}`)).secured();
    peer.send(`${line} HTTP/1.1\r\nHost: payments\r\nContent-Length: 0\r\n\r\n`);
    const answer = await peer.expect('\r\n\r\n');
    peer.close();
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), `${caller} ${line}`);
    const record = await waitFor('the record', () =>
      journalRecords(mesh.journalDir).find((one) => one['decision_id'] === decisionId(answer)),
    );
    assert.equal(record['reason'], reason, `${caller} ${line}`);
    assert.equal((record['rule'] as { name?: string } | undefined)?.name ?? null, rule, `${caller} ${line}`);
    assert.equal(record['decision'], status === 200 ? 'allow' : 'deny');
    if (status === 200) allowed++;
  }
  assert.equal(workload.heads.length, allowed, 'only allowed requests reached the workload');
});

test('a deny says nothing of rules to the caller, and all to the operator', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port, policy: seedPolicy, inbound: routes });
  const sidecar = await mesh.start(t);
  const peer = await RawPeer.connect(
    mesh.port,
    await mesh.caller('spiffe://prod.acme.com/ns/payments/worker'),
  ).secured();
  peer.send('GET /payments/1 HTTP/1.1\r\nHost: payments\r\n\r\n');
  const answer = await peer.expect('}');
  assert.match(answer, /^HTTP\/1.1 403 Forbidden\r\ncontent-type: application\/problem\+json\r\n/);
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;
  const id = decisionId(answer);
  assert.deepEqual(Object.keys(body).sort(), ['decision_id', 'detail', 'status', 'title', 'type']);
  assert.equal(body['decision_id'], id);
  assert.doesNotMatch(answer, /database-access|payment-service|spiffe|attestation/);
  const told = await sidecar.admin(`/decisions/${id}`);
  assert.equal(told.status, 200);
  assert.match(told.body, /database-access/);
  assert.match(told.body, /principal\.spiffe_id matches/);
  assert.match(told.body, /ns\/payments\/worker/);
  peer.close();
});

test('the workload gets our identity fields and none that the caller made up', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port });
  await mesh.start(t);
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  const spoofed = [
    'X-Forwarded-Client-Cert: By=evil;URI=spiffe://prod.acme.com/ns/admin/root',
    'x_forwarded_client_cert: evil',
    'X.Forwarded-Client_Cert: evil',
    'Client-Cert: :evil:',
    'client_cert_chain: evil',
    'X-SPIFFE-ID: evil',
    'x_spiffe_id: evil',
    'X-Postern-Peer: spiffe://prod.acme.com/ns/admin/root',
    'X_Postern_Peer: evil',
    'x-postern-decision-id: evil',
    'Connection: x-postern-peer, x-forwarded-client-cert, x-request-id',
    'X-Request-ID: abc-123',
    'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'X-Forwarded-For: 6.6.6.6',
    'X-Harmless: kept',
  ];
  peer.send(`GET /x?q=1 HTTP/1.1\r\nHost: payments\r\n${spoofed.join('\r\n')}\r\n\r\n`);
  const answer = await peer.expect('ok');
  const seen = head(workload.received);
  assert.doesNotMatch(seen, /evil|root/);
  assert.match(seen, /^GET \/x\?q=1 HTTP\/1.1\r\nHost: payments\r\n/);
  assert.match(seen, /\r\nX-Harmless: kept\r\n/);
  assert.match(seen, /\r\nx-postern-peer: spiffe:\/\/prod.acme.com\/ns\/payments\/api\r\n/);
  assert.match(
    seen,
    /\r\nx-forwarded-client-cert: By=spiffe:\/\/prod.acme.com\/ns\/payments\/server;Hash=[0-9a-f]{64};URI=spiffe:\/\/prod.acme.com\/ns\/payments\/api\r\n/,
  );
  assert.match(seen, new RegExp(`\\r\\nx-postern-decision-id: ${decisionId(answer)}\\r\\n`));
  assert.match(seen, /\r\nx-request-id: abc-123\r\n/);
  assert.match(seen, /\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01\r\n/);
  assert.match(seen, /\r\nx-forwarded-for: 6.6.6.6, 127.0.0.1/);
  assert.doesNotMatch(seen, /connection/i);
  const record = journalRecords(mesh.journalDir).find((one) => one['type'] === 'decision') as JsonRecord;
  assert.equal((record['correlation'] as Record<string, unknown>)['request_id'], 'abc-123');
  assert.doesNotMatch(JSON.stringify(record), /q=1/, 'the query never reaches a record');
  peer.close();
});

test('a caller without a certificate, or of an unknown CA, is refused at the handshake and on record', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port });
  await mesh.start(t);
  const stranger = await Mesh.create(t, { workloadPort: workload.port });
  const { ca } = await mesh.caller();
  const refused = async (credentials: { cert?: string; key?: string }): Promise<void> => {
    const peer = RawPeer.connect(mesh.port, { ...credentials, ca });
    peer.socket.once('secureConnect', () => peer.send('GET / HTTP/1.1\r\nHost: payments\r\n\r\n'));
    assert.equal(await peer.ended(), '');
  };
  await refused({});
  const { ca: _, ...foreign } = await stranger.caller();
  await refused(foreign);
  const records = await waitFor('two records', () => {
    const found = journalRecords(mesh.journalDir).filter((one) => one['reason'] === 'authn_failed');
    return found.length >= 2 ? found : null;
  });
  const causes = records.map((one) => (one['authn_failure'] as { cause: string }).cause);
  assert.deepEqual(causes, ['no_certificate', 'untrusted_issuer']);
  assert.equal((records[1]!['authn_failure'] as { shown: string }).shown, 'spiffe://prod.acme.com/ns/payments/api');
  assert.equal(workload.received, '');
});

test('a listener in shadow mode lets a denied request pass and says so', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, {
    workloadPort: workload.port,
    policy: seedPolicy,
    inbound: `${routes}    mode: shadow\n`,
  });
  await mesh.start(t);
  const peer = await RawPeer.connect(mesh.port, await mesh.caller('spiffe://prod.acme.com/ns/orders/api')).secured();
  peer.send('GET /payments/1 HTTP/1.1\r\nHost: payments\r\n\r\n');
  const answer = await peer.expect('ok');
  const record = journalRecords(mesh.journalDir).find((one) => one['decision_id'] === decisionId(answer))!;
  assert.equal(record['decision'], 'deny');
  assert.equal(record['enforced'], false);
  peer.close();
});

test('a staging identity at a production workload is denied whatever rules say, and stands out', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const policy = `policy "everybody":
  rules:
    - name: all
      effect: allow
      actions: [read, write]
`;
  const mesh = await Mesh.create(t, { workloadPort: workload.port, policy, otherTrustDomain: 'staging.acme.com' });
  const sidecar = await mesh.start(t);
  const foreign = await mesh.callerOfOther('spiffe://staging.acme.com/ns/payments/api');
  const peer = await RawPeer.connect(mesh.port, foreign).secured();
  peer.send('GET /x HTTP/1.1\r\nHost: payments\r\n\r\n');
  const answer = await peer.expect('\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 403 /);
  const record = journalRecords(mesh.journalDir).find((one) => one['decision_id'] === decisionId(answer))!;
  assert.equal((record['policy'] as { name: string }).name, 'postern.environment-boundary');
  assert.equal(record['environment_boundary'], 'deny');
  const metrics = await sidecar.admin('/metrics');
  assert.match(metrics.body, /postern_environment_boundary_total\{[^}]*effect="deny"[^}]*\} 1/);
  assert.equal(workload.received, '');
  peer.close();
});
