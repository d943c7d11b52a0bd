// Whatever a bundle endpoint sends, or does not send, ends that attempt alone: bounded in time and size, told with its
// reason, the last bundle in use.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type FetchFault, fetchDocument } from '../../src/federation/endpoint-fetch.ts';
import { EndpointPoll, type EndpointPollOptions, pollDefaults } from '../../src/federation/endpoint-poll.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { waitFor } from '../harness/wait-for.ts';
import { answer, type Behaviour, Domain, endpointOf, hostileServer, join, type Lived } from './domains.ts';

const lived: (() => Promise<void> | void)[] = [];
let a: Domain;
let b: Domain;

const scope: Lived = { after: (end) => void lived.push(end) };

before(async () => {
  [a, b] = [await Domain.make(scope, 'a.example'), await Domain.make(scope, 'b.example')];
});

after(async () => {
  for (const end of lived) await end();
});

const say =
  (text: string): Behaviour =>
  (socket) =>
    void socket.end(text);

const drip: Behaviour = (socket) => {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
  const timer = setInterval(() => socket.write('{'), 20);
  socket.on('close', () => clearInterval(timer));
};

const flood: Behaviour = (socket) => {
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
};

const rows: readonly (readonly [string, FetchFault, Behaviour])[] = [
  ['a redirect', 'redirect', say(answer('', { status: '302 Found', fields: 'location: https://evil.example/\r\n' }))],
  ['a 404', 'status', say(answer('', { status: '404 Not Found' }))],
  ['a 204', 'status', say('HTTP/1.1 204 No Content\r\n\r\n')],
  ['no HTTP', 'protocol', say('SSH-2.0-OpenSSH_9.9\r\n')],
  ['nothing, then the end', 'protocol', say('')],
  ['a body that is cut short', 'protocol', say('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{')],
  ['a length that is too large', 'too_large', say('HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n')],
  ['a body without end', 'too_large', flood],
  ['a body that drips', 'timeout', drip],
  ['silence', 'timeout', () => {}],
  ['headers without end', 'protocol', say(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(9_000)}\r\n`)],
  ['a compressed body', 'protocol', say(answer('x', { fields: 'content-encoding: gzip\r\n' }))],
  [
    'another protocol',
    'protocol',
    say('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  ],
  [
    'text that is not UTF-8',
    'document',
    (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff', 'latin1'),
  ],
];

describe('an endpoint that answers with', () => {
  for (const [what, fault, behave] of rows) {
    test(`${what} is refused as ${fault}`, async (t) => {
      const url = await hostileServer(t, b, behave);
      const outcome = await fetchDocument({
        url,
        tls: { ca: b.bundlePem },
        judge: null,
        timeoutMs: fault === 'timeout' ? 300 : 20_000,
        mostBytes: 64 * 1024,
        signal: new AbortController().signal,
      });
      assert.equal(outcome.ok ? 'accepted' : outcome.fault, fault);
      assert.ok(!outcome.ok && outcome.error.code === 'ERR_BUNDLE_ENDPOINT');
    });
  }
});

test('TLS below 1.2 is refused', async (t) => {
  const url = await hostileServer(t, b, say(answer('{}')), 'TLSv1.1');
  const options = { url, tls: { ca: b.bundlePem }, judge: null, timeoutMs: 20_000, mostBytes: 1024 };
  const outcome = await fetchDocument({ ...options, signal: new AbortController().signal });
  assert.equal(outcome.ok ? 'accepted' : outcome.fault, 'tls');
});

const certificate = (): string =>
  b.snapshot.current.bundles.bundles[0]!.authorities[0]!.certificate.raw.toString('base64');
const key = (more: object): object => ({ kty: 'EC', use: 'x509-svid', x5c: [certificate()], ...more });

const documents: readonly (readonly [string, () => unknown, boolean])[] = [
  ['a right one', () => ({ keys: [key({})] }), true],
  ['keys of unknown use beside', () => ({ keys: [key({}), { kty: 'EC', use: 'sig' }, { kty: 'EC' }, null, 7] }), true],
  ['a sequence beyond 2^53', () => ({ keys: [key({})], spiffe_sequence: 2 ** 60 }), true],
  ['unknown members', () => ({ keys: [key({})], x: 1, spiffe_refresh_hint: 60 }), true],
  ['PEM', () => b.bundlePem, false],
  ['no JSON', () => '{"keys":', false],
  ['no keys', () => ({}), false],
  [
    'two certificates in one key, of which the first counts',
    () => ({ keys: [key({ x5c: [certificate(), 'AA'] })] }),
    true,
  ],
  ['what is no certificate', () => ({ keys: [key({ x5c: ['AAAA'] })] }), false],
  ['a leaf as authority', () => ({ keys: [key({ x5c: [b.svid.certificates[0]!.raw.toString('base64')] })] }), false],
  ['a fraction as sequence', () => ({ keys: [key({})], spiffe_sequence: 1.5 }), false],
  ['a negative sequence', () => ({ keys: [key({})], spiffe_sequence: -1 }), false],
  ['a sequence in quotes', () => ({ keys: [key({})], spiffe_sequence: '1' }), false],
];

test('a document is taken only where it is a SPIFFE bundle, and the last good one stays', async (t) => {
  let text = '';
  const url = await hostileServer(t, b, (socket) => void socket.end(answer(text)));
  a.hold(b);
  const { source } = await join(t, a, { endpoints: [endpointOf(b, url, { refreshMs: 60_000 })] });
  await source.attempted;
  const { digest } = source.current.bundles;
  for (const [what, make, isGood] of documents) {
    const document = make();
    text = typeof document === 'string' ? document : JSON.stringify(document);
    await source.refresh();
    await waitFor('the fetch', () => source.status.federation![0]!.nextFetchMs !== null, 20_000);
    assert.equal(source.status.federation![0]!.fault === null, isGood, what);
    assert.equal(source.current.bundles.digest, digest, what);
  }
});

test('a document without a usable key withdraws the trust domain (T&B §4.1.3), and the next right one brings it back', async (t) => {
  let document: unknown;
  const url = await hostileServer(t, b, (socket) => void socket.end(answer(JSON.stringify(document))));
  const caFile = path.join(b.dir, 'web-ca.pem');
  writeFileSync(caFile, b.bundlePem);
  const endpoint = endpointOf(b, url, { profile: { kind: 'https_web', caFile }, refreshMs: 60_000 });
  document = { keys: [key({})] };
  const { source, warned } = await join(t, a, { endpoints: [endpoint] });
  await source.attempted;
  const trustDomain = TrustDomain.parse(b.name);
  const authorities = () => source.current.bundles.get(trustDomain)?.authorities.length;
  const give = async (next: unknown) => {
    document = next;
    await source.refresh();
    await waitFor('the fetch', () => source.status.federation![0]!.nextFetchMs !== null, 20_000);
  };
  for (const withdrawn of [{ keys: [] }, { keys: [key({ use: 'sig' })] }, { keys: [key({ x5c: [] })] }]) {
    await give({ keys: [key({})] });
    assert.equal(authorities(), 1);
    await give(withdrawn);
    assert.equal(authorities(), 0, JSON.stringify(withdrawn));
    assert.equal(warned.at(-1)?.code, 'ERR_TRUST_BUNDLE_EMPTY');
  }
});

/** A poll whose fetches a test answers, without a network. */
function scripted(t: Lived, changed: Partial<EndpointPollOptions> = {}) {
  const answers: object[] = [];
  let fetches = 0;
  const poll = new EndpointPoll({
    endpoint: endpointOf(b, 'https://b.example/', { refreshMs: null }),
    timings: { ...pollDefaults, firstRetryMs: 3_600_000, refreshMs: 3_600_000 },
    fetch: async () => {
      fetches++;
      return { ok: true, text: JSON.stringify({ keys: [key({})], ...answers.shift() }) };
    },
    clock: systemClock,
    random: () => 0,
    onBundle: () => {},
    onFault: () => {},
    onError: (error) => {
      throw error;
    },
    ...changed,
  });
  t.after(() => poll.close());
  return { poll, answers, fetches: () => fetches };
}

test('a lower sequence is refused twice, and taken the third time: a lagging replica is not a new server', async (t) => {
  const { poll, answers } = scripted(t);
  const jwt = (kid: string) => ({ kty: 'EC', use: 'jwt-svid', kid, crv: 'P-256', x: 'AA', y: 'BB' });
  const say = (spiffe_sequence: number, kid: string) => ({ keys: [key({}), jwt(kid)], spiffe_sequence });
  // The second says the same as the first under a number of its own, so it is no step back.
  answers.push(say(7, 'a'), say(6, 'a'), say(6, 'b'), say(7, 'a'), say(6, 'b'), say(5, 'b'), say(4, 'b'));
  const seen: string[] = [];
  for (let at = 0; at < 7; at++) {
    await poll.fetchNow();
    seen.push(`${poll.status.sequence} ${poll.document!.jwt.authorities[0]!.keyId}`);
  }
  assert.deepEqual(seen, ['7 a', '7 a', '7 a', '7 a', '7 a', '7 a', '4 b']);
  assert.equal(poll.status.failures.get('sequence'), 3);
});

test('the refresh hint of a bundle is honoured between 10 seconds and an hour', async (t) => {
  const { poll, answers } = scripted(t);
  for (const [hint, seconds] of [
    [1, 10],
    [60, 60],
    [86_400, 3_600],
    [-5, 3_600],
    ['x', 3_600],
  ] as const) {
    answers.push({ spiffe_refresh_hint: hint });
    const from = Date.now();
    await poll.fetchNow();
    const waitMs = poll.status.nextFetchMs! - from;
    assert.ok(waitMs >= seconds * 1000 && waitMs < seconds * 1000 + 5_000, `${hint}: ${waitMs} ms`);
  }
});

test('failures wait longer each time, never longer than the time between two fetches, and calls join a fetch', async (t) => {
  const waits: number[] = [];
  const { poll } = scripted(t, {
    timings: { ...pollDefaults, refreshMs: 30_000 },
    random: () => 0.999,
    fetch: async () => ({ ok: false, fault: 'unreachable', error: new Error('down') as never }),
  });
  for (let at = 0; at < 5; at++) {
    const from = Date.now();
    await Promise.all([poll.fetchNow(), poll.fetchNow()]);
    waits.push(Math.round((poll.status.nextFetchMs! - from) / 5_000));
  }
  assert.deepEqual(waits, [1, 2, 4, 6, 6]);
  assert.equal(poll.status.failures.get('unreachable'), 5);
});
