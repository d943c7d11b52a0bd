// Callers with a token: the example of docs/identity.md for GitHub Actions as it stands, but for the address of the issuer.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { freePort } from '../harness/free-port.ts';
import { Mesh } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { TokenIssuerServer } from '../harness/token-issuer.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
const docs = readFileSync(path.resolve(import.meta.dirname, '../../docs/identity.md'), 'utf8');
const githubIssuer = 'https://token.actions.githubusercontent.com';
const jobId = 'spiffe://ci.acme.com/github/acme/shop/main';
const deadlineMs = 20_000;
let mesh: Mesh;
let tokenPort: number;
let briefPort: number;
let sidecar: SidecarProcess;
let issuer: TokenIssuerServer;
let workload: RecordingWorkload;

function example(name: string): string {
  const block = new RegExp(`\`\`\`yaml\\n# ${name}\\n([\\s\\S]*?)\`\`\``).exec(docs)?.[1];
  assert.ok(block, `docs/identity.md has the example ${name}`);
  return block;
}

before(async () => {
  workload = await RecordingWorkload.start();
  tokenPort = await freePort();
  briefPort = await freePort();
  scope.after(() => workload.stop());
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    policy: `${example('github-policy')}---\npolicy "peers":\n  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }\n  rules:\n    - { name: read, effect: allow, actions: [read] }\n`,
    inbound: `    identity_required: x509_or_token
  - name: tokens
    listen: 127.0.0.1:${tokenPort}
    forward: http://127.0.0.1:${workload.port}
    identity_required: token
    forward_token: true
    http2: on
  - name: brief
    listen: 127.0.0.1:${briefPort}
    forward: http://127.0.0.1:${workload.port}
    identity_required: token
    limits: { header: 2s, idle: 10m }
`,
    sections: { policy: 'policy:\n  paths: [policies/]\n  revocations: revocations.yaml\n' },
  });
  const server = await mesh.ca.issue({ spiffeId: 'spiffe://prod.acme.com/issuer', dnsNames: ['localhost'] });
  issuer = await TokenIssuerServer.start({ cert: server.certChainPem, key: server.keyPem });
  scope.after(() => issuer.stop());
  mesh.put('revocations.yaml', 'revocations: []\n');
  const tokens = example('github-example')
    .replace(githubIssuer, issuer.issuer)
    .replace(/^identity:\n/, '');
  writeFileSync(mesh.configFile, mesh.readConfig().replace('identity:\n', `identity:\n${tokens}`));
  sidecar = await mesh.start(scope, { NODE_EXTRA_CA_CERTS: path.join(mesh.dir, 'bundle.pem') });
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** A token as GitHub gives it to a job. */
function jobToken(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return issuer.mint({
    aud: 'postern-payments',
    sub: 'repo:acme/shop:ref:refs/heads/main',
    repository: 'acme/shop',
    repository_owner: 'acme',
    ref_name: 'main',
    ...claims,
  });
}

function connect(credentials: Partial<PeerCredentials> = {}): RawPeer {
  const peer = RawPeer.connect(mesh.port, { ca: mesh.ca.bundlePem, ...credentials });
  scope.after(() => peer.close());
  return peer;
}

function requestWith(token: string | null, target = '/x'): string {
  const line = token === null ? '' : `Authorization: Bearer ${token}\r\n`;
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${line}\r\n`;
}

function decisionsAt(target: string): Record<string, unknown>[] {
  return journalRecords(mesh.journalDir).filter((one) => JSON.stringify(one).includes(`"path":"${target}"`));
}

test('a job without a certificate is let in by its token, which goes no further', async () => {
  const token = await jobToken();
  const peer = connect();
  peer.send(requestWith(token, '/job') + requestWith(token, '/job'));
  await waitFor('both answers', () => peer.received.split('200 OK').length === 3, deadlineMs);
  assert.ok(workload.received.includes(`x-postern-peer: ${jobId}\r\n`));
  assert.doesNotMatch(workload.received, /authorization|x-forwarded-client-cert/i);
  const [record] = decisionsAt('/job');
  const principal = record?.['principal'] as Record<string, Record<string, unknown>>;
  assert.equal(principal['workload_id'], jobId);
  assert.equal(principal['type'], 'ci_job');
  assert.equal(principal['issuer'], issuer.issuer);
  assert.equal(principal['credential']?.['type'], 'jwt');
  assert.equal(principal['token']?.['subject'], 'repo:acme/shop:ref:refs/heads/main');
  assert.match(String(principal['token']?.['jti_sha256']), /^[0-9a-f]{64}$/);
});

test('who has shown no token that is let through may hold a connection for `limits.header`, others for `limits.idle`', async () => {
  const [job, silent, refused] = [0, 1, 2].map(() => RawPeer.connect(briefPort, { ca: mesh.ca.bundlePem }));
  scope.after(() => job!.close());
  job!.send(requestWith(await jobToken()));
  await job!.expect('200 OK');
  refused!.send(requestWith(await jobToken({ repository_owner: 'someone-else' })));
  await refused!.expect('401');
  await waitFor('both strangers to be sent away', () => silent!.closed && refused!.closed, deadlineMs);
  job!.send(requestWith(await jobToken()));
  await waitFor('the job to be served', () => job!.received.split('200 OK').length === 3, deadlineMs);
  // What a later request could not do takes nothing from a connection on which others may.
  job!.send(requestWith(null));
  await waitFor('the refusal', () => job!.received.includes(' 401 '), deadlineMs);
  const elsewhere = RawPeer.connect(briefPort, { ca: mesh.ca.bundlePem });
  elsewhere.send(requestWith(await jobToken(), '/elsewhere'));
  await elsewhere.expect('200 OK');
  const before = readFileSync(mesh.policyFile, 'utf8');
  const deny = 'policy "not":\n  rules:\n    - { name: not, effect: deny, resources: { path: /elsewhere } }\n';
  writeFileSync(mesh.policyFile, `${before}---\n${deny}`);
  await waitFor('every connection to be looked at', () => elsewhere.closed, deadlineMs);
  assert.equal(job!.closed, false);
  writeFileSync(mesh.policyFile, before);
});

test('a request without a token, or with one that does not hold, gets 401 and the cause, and the connection stays', async () => {
  const peer = connect();
  peer.send(requestWith(null));
  await peer.expect('"code":"token_missing"', deadlineMs);
  assert.match(peer.received, /401 Unauthorized[\s\S]*www-authenticate: Bearer realm="postern"\r\n/);
  peer.send(requestWith(await jobToken({ exp: 1_700_000_000 })));
  await peer.expect('"code":"expired"', deadlineMs);
  assert.match(peer.received, /error="invalid_token", error_description="expired"/);
  peer.send(requestWith(await jobToken({ repository_owner: 'mallory' })));
  await peer.expect('"code":"claim_mismatch"', deadlineMs);
  peer.send(requestWith(await jobToken()));
  await peer.expect('200 OK', deadlineMs);
  const refused = journalRecords(mesh.journalDir).filter((one) => JSON.stringify(one).includes('"cause":"expired"'));
  assert.equal(refused[0]?.['reason'], 'authn_failed');
});

test('where tokens alone count, no certificate is asked for; the workload gets the token if it is to', async () => {
  const token = await jobToken();
  const peer = RawPeer.connect(tokenPort, await mesh.caller());
  scope.after(() => peer.close());
  peer.send(requestWith(null));
  await peer.expect('"code":"token_missing"', deadlineMs);
  workload.forget();
  peer.send(requestWith(token, '/token'));
  await peer.expect('200 OK', deadlineMs);
  assert.ok(workload.received.includes(`Authorization: Bearer ${token}\r\n`));
  assert.match(JSON.stringify(decisionsAt('/token')), /"workload_id":"spiffe:\/\/ci\.acme\.com/);
});

test('over HTTP/2 each request has the token that came with it, beside others on the same connection', async () => {
  const session = http2.connect(`https://localhost:${tokenPort}`, { ca: mesh.ca.bundlePem });
  scope.after(() => session.destroy());
  const ask = (target: string, token: string | null, fields: Readonly<Record<string, string>> = {}) =>
    new Promise<{ head: http2.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
      const stream = session.request({ ':path': target, ...authorization, ...fields });
      let head: http2.IncomingHttpHeaders = {};
      let body = '';
      stream.on('response', (received) => (head = received));
      stream.on('data', (piece: Buffer) => (body += piece));
      stream.on('error', reject);
      stream.on('end', () => resolve({ head, body }));
    });
  const [job, other] = [
    await jobToken({ run: '1' }),
    await jobToken({ run: '2', sub: 'repo:acme/shop:environment:prod' }),
  ];
  const grpcFields = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const [one, two, none, expired, call] = await Promise.all([
    ask('/h2/one', job),
    ask('/h2/two', other),
    ask('/h2/none', null),
    ask('/h2/expired', await jobToken({ exp: 1_700_000_000 })),
    ask('/a.B/C', null, grpcFields),
  ]);
  assert.deepEqual(
    [one, two].map(({ head, body }) => [head[':status'], body]),
    [
      [200, 'ok'],
      [200, 'ok'],
    ],
  );
  assert.deepEqual([none.head[':status'], JSON.parse(none.body).code], [401, 'token_missing']);
  assert.match(String(none.head['www-authenticate']), /^Bearer realm="postern"/);
  assert.deepEqual([expired.head[':status'], JSON.parse(expired.body).code], [401, 'expired']);
  assert.deepEqual([call.head[':status'], call.head['grpc-status']], [200, '16']);
  const subjectAt = (target: string) => {
    const principal = decisionsAt(target)[0]?.['principal'] as { token?: { subject?: string } } | undefined;
    return principal?.token?.subject;
  };
  assert.equal(subjectAt('/h2/one'), 'repo:acme/shop:ref:refs/heads/main');
  assert.equal(subjectAt('/h2/two'), 'repo:acme/shop:environment:prod');
  assert.doesNotMatch(workload.received, /\/h2\/(none|expired)|a\.B/);
});

test('a certificate that does not hold is refused whatever token comes with it', async () => {
  const stranger = await createDevCa({ dir: path.join(mesh.dir, 'stranger'), trustDomain: 'prod.acme.com' });
  const svid = await stranger.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/api' });
  const peer = connect({ cert: svid.certChainPem, key: svid.keyPem });
  peer.send(requestWith(await jobToken(), '/stranger'));
  assert.equal(await peer.ended(deadlineMs), '');
  const refused = () =>
    journalRecords(mesh.journalDir).filter((one) => JSON.stringify(one).includes('"untrusted_issuer"'));
  await waitFor('the record', () => refused().length === 1, deadlineMs);
  assert.deepEqual(decisionsAt('/stranger'), []);
});

test('beside a certificate the token must hold too; the certificate names the principal, and policy sees both', async () => {
  const [one, other] = [await mesh.caller(), await mesh.caller('spiffe://prod.acme.com/ns/payments/other')];
  const token = await jobToken({ sub: 'user:alice', act: { sub: 'agent:planner', act: { sub: 'agent:first' } } });
  const peer = connect(one);
  peer.send(requestWith(`${token.slice(0, -4)}AAAA`));
  await peer.expect('"code":"signature_invalid"', deadlineMs);
  peer.send(requestWith(token, '/both'));
  await peer.expect('200 OK', deadlineMs);
  const [record] = decisionsAt('/both');
  const principal = record?.['principal'] as Record<string, Record<string, unknown>>;
  assert.equal(principal['workload_id'], 'spiffe://prod.acme.com/ns/payments/api');
  assert.equal(principal['credential']?.['type'], 'x509-svid');
  assert.equal(principal['token']?.['subject'], 'user:alice');
  assert.deepEqual(principal['token']?.['actors'], ['agent:planner', 'agent:first']);
  assert.equal(principal['token']?.['replayed'], false);
  peer.send(requestWith(null, '/alone'));
  await waitFor('the answer', () => peer.received.split('200 OK').length === 3, deadlineMs);
  assert.equal(JSON.stringify(decisionsAt('/alone')).includes('"token"'), false);
  const second = connect(other);
  second.send(requestWith(token, '/replay'));
  await second.expect('200 OK', deadlineMs);
  assert.match(JSON.stringify(decisionsAt('/replay')), /"replayed":true/);
  assert.equal(await sidecar.metric('postern_token_replays_total'), 1);
});

/** A request whose body never ends. */
function stream(token: string, target: string): RawPeer {
  const peer = connect();
  peer.send(
    `POST ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  return peer;
}

const streams = (target: string): boolean => workload.heads.some((head) => head.startsWith(`POST ${target} `));

/** One whose token ends soon; on a machine that is too slow to let it in before, one that ends later. */
async function shortStream(target: string): Promise<RawPeer> {
  for (let seconds = 2; ; seconds *= 2) {
    const peer = stream(await jobToken({ exp: Math.floor(Date.now() / 1000) + seconds }), target);
    await waitFor('the stream, or its refusal', () => streams(target) || peer.received !== '', deadlineMs);
    if (streams(target)) return peer;
  }
}

test('what streams ends with its token: at its end, and when it is revoked; others never notice', async () => {
  workload.behave = () => {};
  const [revoked, kept] = [stream(await jobToken({ jti: 'job-1' }), '/revoked'), stream(await jobToken(), '/kept')];
  const short = await shortStream('/short');
  await waitFor('all to stream', () => streams('/revoked') && streams('/kept'), deadlineMs);
  mesh.put('revocations.yaml', 'revocations:\n  - { jti: job-1, reason: "leaked in a log" }\n');
  await revoked.ended(deadlineMs);
  await short.ended(deadlineMs);
  assert.equal(kept.closed, false);
  const ends = (): string =>
    JSON.stringify(journalRecords(mesh.journalDir).filter((one) => one['reason'] === 'reauth_revoked'));
  await waitFor('both records', () => /leaked in a log/.test(ends()) && /it expired at/.test(ends()), deadlineMs);
});

test('no token stands in a record, a line of the log, or a metric', async () => {
  const everything =
    JSON.stringify(journalRecords(mesh.journalDir)) + sidecar.stderr + (await sidecar.admin('/metrics')).body;
  assert.ok(everything.includes(jobId));
  assert.doesNotMatch(everything, /eyJ[A-Za-z0-9_-]{10}/);
  assert.ok((await sidecar.metric('postern_request_tokens_total', { result: 'accepted' })) > 3);
  assert.equal(await sidecar.metric('postern_token_keys', { issuer: issuer.issuer }), 1);
});
