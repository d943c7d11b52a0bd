// Two Posterns: a plain caller, its Postern, mutual TLS, the other Postern, a workload that keeps what it received.

import assert from 'node:assert/strict';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Mesh } from '../harness/mesh.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { freePort, journalRecords, SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(port: number, target: string, options: http.RequestOptions = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: target, agent: false, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('latin1');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

interface Row {
  readonly decision_id: string;
  readonly decision?: string;
  readonly type: string;
  readonly principal?: { readonly workload_id: string; readonly credential: { readonly serial: string } };
  readonly network?: { readonly direction: string };
  readonly outcome?: { readonly result: string; readonly code?: string; readonly detail: string | null };
  readonly correlation: { readonly trace_id: string; readonly request_id: string };
  readonly resource?: { readonly name: string };
}

const clientId = 'spiffe://prod.acme.com/ns/shop/front';

const outboundPolicy = `policy "calls":
  principals: { type: workload, spiffe_id: "${clientId}" }
  rules:
    - name: out
      effect: allow
      actions: [read, write]
      conditions: ['network.direction == "outbound"']
`;

const callersPolicy = `policy "callers":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - name: in
      effect: allow
      actions: [read, write]
      conditions: ['network.direction == "inbound"']
`;

const names = ['orders', 'stranger', 'down', 'lost', 'plain', 'small', 'mute', 'pair', 'narrow'] as const;
type Ports = Readonly<Record<(typeof names)[number], number>>;

async function writeClient(
  mesh: Mesh,
  workloadPort: number,
  { adminPort, mutePort }: { readonly adminPort: number; readonly mutePort: number },
): Promise<Ports> {
  const entries = await Promise.all(names.map(async (name) => [name, await freePort()] as const));
  const ports = Object.fromEntries(entries) as Ports;
  await rotate(mesh);
  mesh.put('calls.yaml', outboundPolicy);
  mesh.put('revoked.yaml', 'revocations: []\n');
  const accept = 'accept: ["spiffe://prod.acme.com/ns/payments/*"]';
  const limits = 'limits: { connect: 20s }';
  const server = `to: [localhost:${mesh.port}], ${accept}`;
  const drop = 'routes: [{ match: { path: /not-ours }, action: drop }]';
  mesh.put(
    'client.yaml',
    `version: 1
identity:
  source: files
  files: { cert: client.crt, key: client.key, bundle: bundle.pem }
outbound:
  - { name: orders, listen: 127.0.0.1:${ports.orders}, ${server}, ${drop}, ${limits} }
  - { name: stranger, listen: 127.0.0.1:${ports.stranger}, to: [127.0.0.1:${mesh.port}], accept: [spiffe://prod.acme.com/ns/orders/api], ${limits} }
  - { name: down, listen: 127.0.0.1:${ports.down}, to: [127.0.0.1:${await freePort()}], ${accept}, ${limits} }
  - { name: lost, listen: 127.0.0.1:${ports.lost}, to: [no-such-host.invalid:8443], ${accept}, ${limits} }
  - { name: plain, listen: 127.0.0.1:${ports.plain}, to: [127.0.0.1:${workloadPort}], ${accept}, ${limits} }
  - { name: small, listen: 127.0.0.1:${ports.small}, ${server}, limits: { connections: 1, connect: 20s } }
  - { name: mute, listen: 127.0.0.1:${ports.mute}, to: [127.0.0.1:${mutePort}], ${accept}, limits: { connect: 20s, handshake: 300ms } }
  - { name: pair, listen: 127.0.0.1:${ports.pair}, to: [127.0.0.1:${await freePort()}, 127.0.0.1:${mesh.port}], ${accept}, ${limits}, ejection: { first: 1h, most: 1h } }
  - { name: narrow, listen: 127.0.0.1:${ports.narrow}, ${server}, limits: { connect: 20s, requests: 1 } }
policy: { paths: [calls.yaml], environment_boundary: off, revocations: revoked.yaml }
audit: { journal: { dir: client-journal }, stdout: off }
admin: { listen: 127.0.0.1:${adminPort} }
shutdown: { drain: 2s }
`,
  );
  return ports;
}

/** Another SVID of the client. */
async function rotate(mesh: Mesh): Promise<void> {
  const svid = await mesh.ca.issue({ spiffeId: clientId });
  mesh.put('client.crt', svid.certChainPem);
  mesh.put('client.key', svid.keyPem);
}

const serialOf = (row: Row): string | undefined => row.principal?.credential.serial;

/** A decision about a caller whose certificate none of `before` is. */
function isFresh(row: Row, before: ReadonlySet<string | undefined>): boolean {
  const isClients = row.type === 'decision' && row.principal?.workload_id === clientId;
  return isClients && !before.has(serialOf(row));
}

const recordsBelow = (dir: string): Row[] => journalRecords(dir) as unknown as Row[];

test('a workload that speaks plain HTTP calls over mutual TLS, judged and recorded on both sides', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const routes = '    routes: [{ match: { path: /not-theirs }, action: drop }]\n';
  const mesh = await Mesh.create(t, { workloadPort: workload.port, policy: callersPolicy, inbound: routes });
  await mesh.start(t);
  const adminPort = await freePort();
  const mute = await RecordingWorkload.start(() => {});
  t.after(() => mute.stop());
  const ports = await writeClient(mesh, workload.port, { adminPort, mutePort: mute.port });
  const client = await SidecarProcess.start({ configFile: path.join(mesh.dir, 'client.yaml'), adminPort });
  t.after(() => client.kill());
  const ours = (): Row[] => recordsBelow(path.join(mesh.dir, 'client-journal'));
  const theirs = (): Row[] => recordsBelow(mesh.journalDir);
  const decisionOf = (answer: Answer): Row => {
    const found = ours().find((row) => row.decision_id === answer.headers['x-postern-decision-id']);
    assert.ok(found !== undefined, 'the decision is on record before the answer');
    return found;
  };
  const problem = (answer: Answer) => JSON.parse(answer.body) as { code?: string; detail: string };
  const metrics = async () => (await client.admin('/metrics')).body;

  await t.test('an allowed request arrives whole, and both records join on one trace and one request id', async () => {
    const answer = await ask(ports.orders, '/things?q=1', { headers: { host: 'orders', 'x-postern-peer': 'forged' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'ok');
    const own = decisionOf(answer);
    assert.equal(own.decision, 'allow');
    assert.equal(own.network?.direction, 'outbound');
    assert.equal(own.principal?.workload_id, clientId);
    assert.equal(own.resource?.name, 'orders');
    const other = theirs().find((row) => row.correlation?.trace_id === own.correlation.trace_id);
    assert.equal(other?.principal?.workload_id, clientId);
    assert.equal(other?.network?.direction, 'inbound');
    assert.equal(other?.correlation.request_id, own.correlation.request_id);
    const [head = ''] = workload.heads;
    assert.match(head, /^GET \/things\?q=1 HTTP\/1\.1\r\nHost: orders\r\n/);
    assert.doesNotMatch(head, /forged/);
    assert.match(head, new RegExp(`x-postern-peer: ${clientId}`));
  });

  await t.test('a correlation of the caller is kept, and a large answer arrives octet by octet', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const large = Buffer.alloc(3_000_000, 'abcdefghijk');
    workload.behave = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\n\r\n`);
      socket.write(large);
    };
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01`, 'x-request-id': 'mine' };
    const answer = await ask(ports.orders, '/large', { headers });
    workload.behave = answerOk;
    assert.ok(Buffer.from(answer.body, 'latin1').equals(large));
    for (const rows of [ours(), theirs()]) {
      assert.equal(rows.find((row) => row.correlation?.trace_id === trace)?.correlation.request_id, 'mine');
    }
  });

  await t.test('a body goes through with its length', async () => {
    const answer = await ask(ports.orders, '/sent', { method: 'POST' }, 'hello');
    assert.equal(answer.status, 200);
    await waitFor('the body', () => workload.received.includes('hello'));
  });

  await t.test('a deny of the own side is told as such, and nothing is sent', async () => {
    const answer = await ask(ports.orders, '/not-ours');
    assert.equal(answer.status, 403);
    assert.equal(problem(answer).code, 'ERR_OUTBOUND_DENIED');
    assert.equal(decisionOf(answer).decision, 'deny');
    assert.ok(!workload.received.includes('/not-ours'));
    const { trace_id } = decisionOf(answer).correlation;
    assert.equal(
      theirs().find((row) => row.correlation?.trace_id === trace_id),
      undefined,
    );
  });

  await t.test('a deny of the other side comes through, and is on record there', async () => {
    const answer = await ask(ports.orders, '/not-theirs');
    assert.equal(answer.status, 403);
    assert.equal(problem(answer).code, undefined);
    const own = decisionOf(answer);
    assert.equal(own.decision, 'allow');
    const other = theirs().find((row) => row.correlation?.trace_id === own.correlation.trace_id);
    assert.equal(other?.decision, 'deny');
    assert.ok(!workload.received.includes('/not-theirs'));
  });

  await t.test('a server with another identity gets no byte of the request, and both IDs are told', async () => {
    const before = theirs().filter((row) => row.type === 'decision').length;
    const answer = await ask(ports.stranger, '/secret', { method: 'POST' }, 'secret');
    assert.equal(answer.status, 502);
    assert.equal(problem(answer).code, 'ERR_OUTBOUND_IDENTITY');
    assert.match(
      problem(answer).detail,
      /expected: spiffe:\/\/prod\.acme\.com\/ns\/orders\/api; shown: .*\/ns\/payments\/server/,
    );
    assert.ok(!workload.received.includes('secret'));
    assert.equal(theirs().filter((row) => row.type === 'decision').length, before);
    const id = decisionOf(answer).decision_id;
    const outcome = await waitFor('the outcome', () =>
      ours().find((row) => row.type === 'outcome' && row.decision_id === id),
    );
    assert.match(outcome.outcome?.detail ?? '', /shown: .*\/ns\/payments\/server/);
  });

  await t.test('what failed is told: name, connection, handshake', async () => {
    workload.behave = ({ socket }) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    const codes: readonly (readonly [number, number, string])[] = [
      [ports.lost, 503, 'ERR_OUTBOUND_DNS'],
      [ports.down, 503, 'ERR_OUTBOUND_UNREACHABLE'],
      [ports.plain, 502, 'ERR_OUTBOUND_HANDSHAKE'],
      [ports.mute, 502, 'ERR_OUTBOUND_HANDSHAKE'],
    ];
    for (const [port, status, code] of codes) {
      const answer = await ask(port, '/x');
      assert.equal(answer.status, status, code);
      assert.equal(problem(answer).code, code);
      const { decision, decision_id: id } = decisionOf(answer);
      assert.equal(decision, 'allow');
      const isEnd = (row: Row): boolean => row.type === 'outcome' && row.decision_id === id;
      assert.equal((await waitFor('the outcome', () => ours().find(isEnd))).outcome?.code, code);
    }
    workload.behave = answerOk;
    const text = await metrics();
    for (const [listener, reason] of [
      ['lost', 'dns'],
      ['down', 'refused'],
      ['plain', 'handshake'],
      ['stranger', 'identity'],
    ] as const) {
      assert.ok(
        text.includes(`postern_upstream_connect_failures_total{listener="${listener}",reason="${reason}"} 1`),
        reason,
      );
    }
  });

  await t.test('of two endpoints one is down: every call is answered, and sent once', async () => {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      const answer = await ask(ports.pair, `/pair/${at}`, { method: 'POST' }, 'x');
      assert.equal(answer.status, 200);
      assert.equal(workload.received.split(`/pair/${at} `).length - 1, 1);
    }
    const text = await metrics();
    assert.match(text, /postern_upstream_endpoints\{listener="pair",state="ejected"\} 1/);
    assert.match(text, /postern_upstream_retries_total\{listener="pair",reason="not_connected"\} 3/);
  });

  await t.test('what is too much for the peer is told at once, and nothing is sent', async () => {
    const held: (() => void)[] = [];
    workload.behave = (connection, piece) => void held.push(() => answerOk(connection, piece));
    const first = ask(ports.narrow, '/held');
    await waitFor('the first', () => workload.received.includes('/held'));
    workload.behave = answerOk;
    const second = await ask(ports.narrow, '/too-much');
    assert.equal(second.status, 503);
    assert.equal(problem(second).code, 'ERR_OUTBOUND_OVERLOADED');
    assert.ok(!workload.received.includes('/too-much'));
    const { decision_id: id } = decisionOf(second);
    const isEnd = (row: Row): boolean => row.type === 'outcome' && row.decision_id === id;
    assert.equal((await waitFor('the outcome', () => ours().find(isEnd))).outcome?.result, 'limit');
    for (const release of held) release();
    assert.equal((await first).status, 200);
  });

  await t.test('one caller too many is told so', async () => {
    const agent = new http.Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    assert.equal((await ask(ports.small, '/first', { agent })).status, 200);
    const answer = await ask(ports.small, '/second');
    assert.equal(answer.status, 503);
    assert.ok(!workload.received.includes('/second'));
  });

  await t.test('a peer that breaks off is told, and an unsafe request is not sent twice', async () => {
    workload.behave = ({ socket }) => socket.destroy();
    const answer = await ask(ports.orders, '/once', { method: 'POST' }, 'x');
    workload.behave = answerOk;
    assert.equal(answer.status, 502);
    assert.equal(workload.received.split('POST /once').length - 1, 1);
  });

  await t.test('rotation of the own identity fails no request, and new ones come under the new one', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const before = new Set(ours().map(serialOf));
    const statuses = new Map<number, number>();
    let isOver = false;
    const send = async (): Promise<void> => {
      while (!isOver) {
        const { status } = await ask(ports.orders, '/load', { agent });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        await pause(10);
      }
    };
    const senders = Promise.all([send(), send(), send(), send()]);
    await rotate(mesh);
    await waitFor('records under the new certificate', () => ours().some((row) => isFresh(row, before)));
    const isSeen = () => theirs().some((row) => isFresh(row, before));
    await waitFor('the peer to see it', isSeen);
    isOver = true;
    await senders;
    agent.destroy();
    assert.deepEqual([...statuses.keys()], [200]);
  });

  await t.test('a server that is revoked is asked nothing more, over open connections either', async () => {
    workload.behave = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart');
    const open = ask(ports.orders, '/open').then(
      () => 'whole',
      (error: NodeJS.ErrnoException) => error.code,
    );
    await waitFor('the open request', () => workload.received.includes('/open'));
    workload.behave = answerOk;
    assert.equal((await ask(ports.orders, '/before')).status, 200);
    mesh.put(
      'revoked.yaml',
      'revocations: [{ spiffe_id: "spiffe://prod.acme.com/ns/payments/server", reason: stolen }]\n',
    );
    const answer = await waitFor('the refusal', async () => {
      const found = await ask(ports.orders, '/after');
      return found.status === 200 ? null : found;
    });
    assert.equal(await open, 'ECONNRESET');
    // By the right, and not by a limit.
    const cut = await waitFor('the end on record', () =>
      ours().find(({ outcome }) => outcome?.result === 'upstream_failed' && /expected: /.test(outcome.detail ?? '')),
    );
    assert.match(cut.outcome?.detail ?? '', /revoked|stolen/);
    assert.equal(problem(answer).code, 'ERR_OUTBOUND_IDENTITY');
  });

  await t.test('it ends with calls under way answered', async () => {
    const { exit } = client;
    assert.equal(exit, null);
    client.child.kill('SIGTERM');
    await waitFor('the end', () => client.exit !== null);
    assert.equal(client.exit?.code, 0);
  });
});
