// Who may not use the admin API: web pages in a browser of this host, whatever name they resolved to our address, and
// whoever sends too much or too slowly.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ask, openAdmin } from './admin-fixture.ts';

const jsonType = { 'content-type': 'application/json' };

for (const host of [
  'evil.example',
  'evil.example:PORT',
  'localhost:1',
  'localhost:PORT.',
  'localhost.:PORT',
  '127.0.0.1:PORT@evil.example',
  '127.0.0.2:PORT',
  '0.0.0.0:PORT',
  'localhost:PORT,evil.example',
]) {
  test(`refuses the Host \`${host}\` with 421 and does nothing`, async (context) => {
    const { port, calls } = await openAdmin(context);
    const headers = { host: host.replace('PORT', String(port)) };
    assert.equal((await ask(port, '/readyz', { headers })).status, 421);
    const posted = await ask(port, '/quit', { method: 'POST', headers: { ...headers, ...jsonType } });
    assert.equal(posted.status, 421);
    assert.deepEqual(calls, []);
  });
}

for (const host of ['localhost:PORT', '127.0.0.1:PORT', '[::1]:PORT', 'LOCALHOST:PORT', 'localhost', '127.0.0.1']) {
  test(`takes the Host \`${host}\``, async (context) => {
    const { port } = await openAdmin(context);
    const headers = { host: host.replace('PORT', String(port)) };
    assert.equal((await ask(port, '/livez', { headers })).status, 200);
  });
}

for (const type of [
  undefined,
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/jsonp',
]) {
  test(`refuses a POST with content-type ${type}: a page can send it without asking`, async (context) => {
    const { port, calls } = await openAdmin(context);
    const headers = type === undefined ? {} : { 'content-type': type };
    assert.equal((await ask(port, '/drain', { method: 'POST', headers, body: '{}' })).status, 415);
    assert.deepEqual(calls, []);
  });
}

test('takes a content-type with parameters', async (context) => {
  const { port, calls } = await openAdmin(context);
  const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
  assert.equal((await ask(port, '/drain', { method: 'POST', headers, body: '{}' })).status, 202);
  assert.deepEqual(calls, ['drain']);
});

test('refuses a POST from a page of another origin, and never allows one by CORS', async (context) => {
  const { port, calls } = await openAdmin(context);
  for (const origin of [
    'http://evil.example',
    'null',
    `http://localhost:${port + 1}`,
    `https://localhost:${port}`,
    'http://localhost',
    `localhost:${port}`,
  ]) {
    const answer = await ask(port, '/quit', { method: 'POST', headers: { ...jsonType, origin }, body: '{}' });
    assert.equal(answer.status, 403, origin);
  }
  const preflight = await ask(port, '/quit', {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.status, 405);
  for (const name of Object.keys(preflight.headers)) assert.doesNotMatch(name, /^access-control-/);
  assert.deepEqual(calls, []);
});

test('every answer forbids caching, framing, sniffing and other origins', async (context) => {
  const { port } = await openAdmin(context);
  for (const path of ['/', '/livez', '/metrics', '/config', '/nowhere', '/decisions?limit=0']) {
    const { headers } = await ask(port, path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.equal(headers['access-control-allow-origin'], undefined, path);
  }
});

/** Sends bytes and resolves with everything that came until the end of the connection. */
function raw(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ port, host: '127.0.0.1' });
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.once('close', () => resolve(got));
  socket.write(text, 'latin1');
  return promise;
}

test('a request without a Host, or with an empty one, is refused', async (context) => {
  const { port } = await openAdmin(context);
  assert.match(await raw(port, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /);
  assert.match(await raw(port, 'GET /livez HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 421 /);
  assert.match(await raw(port, 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
});

test('a target that is not a path is refused', async (context) => {
  const { port } = await openAdmin(context);
  for (const target of [`http://127.0.0.1:${port}/config`, '*', `//127.0.0.1:${port}/config`]) {
    const method = target === '*' ? 'OPTIONS' : 'GET';
    const got = await raw(port, `${method} ${target} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`);
    assert.match(got, target.startsWith('//') ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 400 /, target);
  }
});

test('paths are taken literally: nothing is decoded or normalised into an endpoint', async (context) => {
  const { port } = await openAdmin(context);
  for (const path of [
    '/config/',
    '/CONFIG',
    '/%63onfig',
    '/x/../config',
    '/./config',
    '//config',
    '/config;a',
    '/decisions/',
  ]) {
    const got = await raw(port, `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`);
    assert.match(got, /^HTTP\/1\.1 404 /, path);
  }
});

test('a body above its bound is 413, and the connection ends', async (context) => {
  const { port, calls } = await openAdmin(context, { options: { bodyBytes: 1_000 } });
  const answer = await ask(port, '/reload', { method: 'POST', headers: jsonType, body: 'x'.repeat(1_001) });
  assert.equal(answer.status, 413);
  assert.deepEqual(calls, []);
  const far = await ask(port, '/reload', { method: 'POST', headers: jsonType, body: 'x'.repeat(200_000) }).catch(
    () => null,
  );
  if (far !== null) assert.equal(far.status, 413);
  assert.deepEqual(calls, []);
});

for (const [what, body] of [
  ['not JSON', '{"level": '],
  ['not UTF-8', Buffer.from('{"level":"\xff"}', 'latin1').toString('latin1')],
] as const) {
  test(`a body that is ${what} is 400`, async (context) => {
    const { port } = await openAdmin(context);
    const bytes = Buffer.from(body, 'latin1');
    const head =
      `POST /reload HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\n` +
      `Connection: close\r\nContent-Length: ${bytes.length}\r\n\r\n`;
    assert.match(await raw(port, head + body), /^HTTP\/1\.1 400 /);
  });
}

test('a head above its bound is 431', async (context) => {
  const { port } = await openAdmin(context, { options: { headerBytes: 4_096 } });
  const got = await raw(port, `GET /livez HTTP/1.1\r\nHost: localhost:${port}\r\nx: ${'y'.repeat(5_000)}\r\n\r\n`);
  assert.match(got, /^HTTP\/1\.1 431 /);
});

test('a request that does not come to its end in time is cut', async (context) => {
  const { port } = await openAdmin(context, { options: { requestMs: 200 } });
  const startMs = performance.now();
  const got = await raw(
    port,
    `POST /reload HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{`,
  );
  assert.ok(got === '' || got.startsWith('HTTP/1.1 408 '), got);
  assert.ok(performance.now() - startMs < 20_000);
});

test('connections above the bound are closed, and the API answers when they have gone', async (context) => {
  const { port } = await openAdmin(context, { options: { connections: 2 } });
  const held = [connect({ port, host: '127.0.0.1' }), connect({ port, host: '127.0.0.1' })];
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  await assert.rejects(ask(port, '/livez'));
  const gone = held.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of held) socket.destroy();
  await Promise.all(gone);
  let status = 0;
  for (let tries = 0; status === 0 && tries < 100; tries++) {
    status = await ask(port, '/livez').then(
      (answer) => answer.status,
      () => 0,
    );
  }
  assert.equal(status, 200);
});
