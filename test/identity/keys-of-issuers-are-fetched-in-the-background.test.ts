// Keys over HTTPS: nobody waits for them without bound, one fetch serves all who ask, and the last good ones stay.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { type KeySource, openFileKeys } from '../../src/identity/tokens/key-source.ts';
import { openRemoteKeys, type RemoteKeysOptions } from '../../src/identity/tokens/remote-keys.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { fetchHttpsDocument } from '../../src/runtime/https-document.ts';
import { temporaryFolder } from '../harness/sidecar-process.ts';
import { type SigningKey, signingKey, TokenIssuerServer } from '../harness/token-issuer.ts';
import { waitFor } from '../harness/wait-for.ts';

const issuer = 'https://ci.example';
const keysUrl = 'https://ci.example/keys';
let key: SigningKey;
let second: SigningKey;
before(async () => {
  [key, second] = [await signingKey('key-1'), await signingKey('key-2')];
});

const documentOf = (...keys: readonly SigningKey[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

/** A source whose answers the test gives one by one. */
function scripted(t: { after(fn: () => void): void }, changed: Partial<RemoteKeysOptions> = {}) {
  const clock = new ManualClock(1_000_000);
  const asked: { readonly url: string; answer(text: string): void; fail(): void }[] = [];
  const faults: string[] = [];
  const keys: KeySource = openRemoteKeys({
    issuer,
    url: keysUrl,
    refreshMs: 3_600_000,
    lookAgainMs: 30_000,
    patienceMs: 60_000,
    fetchDocument: (url) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      asked.push({ url, answer: resolve, fail: () => reject(new Error('down')) });
      return promise;
    },
    clock,
    random: () => 0,
    onFailed: (error) => void faults.push(`${error.code} ${error.message}`),
    ...changed,
  });
  t.after(() => keys.close());
  return { keys, clock, asked, faults };
}

const hasKeys = (keys: KeySource, count: number) => () => keys.current.keys.length === count;

test('the start waits for nothing, and many who ask share one fetch', async (t) => {
  const { keys, asked } = scripted(t);
  assert.equal(keys.current.keys.length, 0);
  const waiting = [keys.lookAgain(), keys.lookAgain(), keys.lookAgain()];
  assert.equal(asked.length, 1);
  let isOver = false;
  void Promise.all(waiting).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false, 'they wait for it');
  asked[0]!.answer(documentOf(key));
  await Promise.all(waiting);
  assert.equal(keys.current.keys.length, 1);
  assert.equal(asked.length, 1);
});

test('keys that are not there are looked for at most every 30 s, however many tokens name them', async (t) => {
  const { keys, asked, clock } = scripted(t);
  asked[0]!.answer(documentOf(key));
  await waitFor('the first keys', hasKeys(keys, 1));
  await keys.lookAgain();
  assert.equal(asked.length, 1, 'too soon');
  clock.advance(30_000);
  const looking = Array.from({ length: 100 }, () => keys.lookAgain());
  assert.equal(asked.length, 2);
  asked[1]!.answer(documentOf(key, second));
  await Promise.all(looking);
  assert.equal(keys.current.keys.length, 2);
});

test('a request does not wait longer than it may', async (t) => {
  const { keys } = scripted(t, { patienceMs: 5 });
  await keys.lookAgain();
  assert.equal(keys.current.keys.length, 0);
});

test('what cannot be used leaves the last good keys and is told', async (t) => {
  const { keys, asked, clock, faults } = scripted(t);
  asked[0]!.answer(documentOf(key));
  await waitFor('the first keys', hasKeys(keys, 1));
  const privately = JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'x', alg: 'HS256' }] });
  for (const bad of ['<html>', '{}', '{"keys":[]}', '{"keys":{}}', privately, null]) {
    clock.advance(60_000);
    const looking = keys.lookAgain();
    if (bad === null) asked.at(-1)!.fail();
    else asked.at(-1)!.answer(bad);
    await looking;
    assert.equal(keys.current.keys.length, 1);
  }
  assert.equal(faults.length, 6);
  assert.match(faults[0]!, /^ERR_TOKEN_KEYS the key set of `https:\/\/ci.example` holds no key/);
  assert.equal(keys.status.failures, 6);
});

test('discovery is believed only of the issuer that was asked, and leads to https only', async (t) => {
  const documents: readonly [string, RegExp | null][] = [
    [JSON.stringify({ issuer: 'https://evil.example', jwks_uri: keysUrl }), /is of another issuer/],
    [JSON.stringify({ issuer: `${issuer}/`, jwks_uri: keysUrl }), /is of another issuer/],
    [JSON.stringify({ issuer, jwks_uri: 'http://ci.example/keys' }), /has no https `jwks_uri`/],
    [JSON.stringify({ issuer, jwks_uri: 'file:///etc/passwd' }), /has no https `jwks_uri`/],
    [JSON.stringify({ issuer }), /has no https `jwks_uri`/],
    ['null', /is of another issuer/],
    [JSON.stringify({ issuer, jwks_uri: keysUrl }), null],
  ];
  for (const [text, fault] of documents) {
    const { keys, asked, faults } = scripted(t, { url: null });
    assert.equal(asked[0]!.url, 'https://ci.example/.well-known/openid-configuration');
    asked[0]!.answer(text);
    if (fault === null) {
      await waitFor('the second question', () => asked.length === 2);
      assert.equal(asked[1]!.url, keysUrl);
      asked[1]!.answer(documentOf(key));
      await waitFor('the keys', hasKeys(keys, 1));
    } else {
      await waitFor('the fault', () => faults.length === 1);
      assert.match(faults[0]!, fault);
    }
  }
});

test('a file of keys is followed; what it cannot hold is refused, and the last good keys stay', async (t) => {
  const file = path.join(temporaryFolder(t), 'keys.json');
  const options = { file, use: 'sig' as const, nowMs: () => 1, onFault: assert.ifError };
  const refused: string[] = [];
  const onRefused = (error: Error): void => void refused.push(error.message);
  await assert.rejects(openFileKeys({ ...options, onRefused }), /cannot be read \(ENOENT\)/);
  writeFileSync(file, documentOf(key));
  const keys = await openFileKeys({ ...options, onRefused });
  t.after(() => keys.close());
  writeFileSync(file, documentOf(key, second));
  await waitFor('the second key', hasKeys(keys, 2), 20_000);
  writeFileSync(file, '{');
  await waitFor('the refusal', () => refused.length > 0, 20_000);
  assert.equal(keys.current.keys.length, 2);
});

test('over real HTTPS', async (t) => {
  const cleanups: (() => Promise<void> | void)[] = [];
  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });
  const dir = temporaryFolder({ after: (fn) => void cleanups.push(fn) });
  const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'a.example' });
  const own = await ca.issue({ spiffeId: 'spiffe://a.example/issuer', dnsNames: ['localhost'] });
  const server = await TokenIssuerServer.start({ cert: own.certChainPem, key: own.keyPem });
  cleanups.push(() => server.stop());
  const [caFile, bearerFile] = [path.join(dir, 'ca.pem'), path.join(dir, 'token')];
  writeFileSync(caFile, ca.bundlePem);
  writeFileSync(bearerFile, 'secret-bearer\n');
  const url = `${server.issuer}/keys`;
  const options = {
    caFile,
    bearerFile,
    bearerOrigin: server.issuer,
    signal: new AbortController().signal,
    timeoutMs: 20_000,
    mostBytes: 10_000,
  };
  const fetched = (changed: Partial<typeof options> | { caFile: null } = {}) =>
    fetchHttpsDocument(url, { ...options, ...changed });
  const refusedWith = (fault: RegExp) => (error: unknown) =>
    isPosternError(error, 'ERR_TOKEN_KEYS') && fault.test(error.message) && !error.message.includes('secret-bearer');

  await t.test('the document is got, with the bearer token where it belongs', async () => {
    const seen: (string | undefined)[] = [];
    server.answer = (response) => {
      seen.push(response.req.headers.authorization);
      response.end('{"keys":[]}');
    };
    assert.equal(await fetched(), '{"keys":[]}');
    await fetched({ bearerOrigin: 'https://elsewhere.example' });
    writeFileSync(bearerFile, 'rotated');
    await fetched();
    assert.deepEqual(seen, ['Bearer secret-bearer', undefined, 'Bearer rotated']);
  });
  await t.test('a server that the CA does not vouch for is refused', () =>
    assert.rejects(fetched({ caFile: null }), refusedWith(/UNABLE_TO_VERIFY|SELF_SIGNED|unable to get|ISSUER/i)),
  );
  await t.test('no redirect is followed', async () => {
    server.answer = (response) => response.writeHead(302, { location: '/.well-known/openid-configuration' }).end();
    await assert.rejects(fetched(), refusedWith(/status 302/));
  });
  await t.test('too much is too much', async () => {
    server.answer = (response) => void response.end('x'.repeat(10_001));
    await assert.rejects(fetched(), refusedWith(/larger than 10000 bytes/));
  });
  await t.test('half a document is none', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      response.socket?.destroySoon();
    };
    await assert.rejects(fetched(), refusedWith(/cannot get/));
  });
  await t.test('silence ends', async () => {
    server.answer = () => {};
    await assert.rejects(fetched({ timeoutMs: 50 }), refusedWith(/no answer within 50 ms/));
  });
  await t.test('a file that is missing is named', () =>
    assert.rejects(fetched({ caFile: path.join(dir, 'nothing') }), refusedWith(/ENOENT/)),
  );
  assert.ok(readFileSync(caFile, 'utf8').includes('CERTIFICATE'));
});
