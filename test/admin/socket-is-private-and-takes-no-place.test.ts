// Binding: a unix socket is private and replaces only what nobody answers on; a taken port is a clear error.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import { ask, openAdmin } from './admin-fixture.ts';

function socketPath(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-admin-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'admin.sock');
}

const onUnix = (path: string) => ({ options: { listen: { kind: 'unix', path } as const } });

test('a unix socket has mode 0600 and answers', async (context) => {
  const path = socketPath(context);
  const before = process.umask();
  await openAdmin(context, onUnix(path));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(process.umask(), before);
  const answer = await ask(0, '/livez', { socketPath: path, headers: { host: 'localhost' } });
  assert.equal(answer.status, 200);
  const stranger = await ask(0, '/livez', { socketPath: path, headers: { host: 'evil.example' } });
  assert.equal(stranger.status, 421);
});

test('the socket file is gone after close', async (context) => {
  const path = socketPath(context);
  const { server } = await openAdmin(context, onUnix(path));
  await server.close();
  assert.equal(existsSync(path), false);
});

test('a socket file that a killed process left is replaced', async (context) => {
  const path = socketPath(context);
  leaveStaleSocket(path);
  assert.ok(statSync(path).isSocket());
  await openAdmin(context, onUnix(path));
  assert.equal((await ask(0, '/livez', { socketPath: path, headers: { host: 'localhost' } })).status, 200);
});

test('a socket that another process answers on is left to it', async (context) => {
  const path = socketPath(context);
  const other = createServer((socket) => socket.on('error', () => {}).end('other'));
  await new Promise<void>((resolve) => other.listen(path, resolve));
  context.after(() => other.close());
  await assert.rejects(openAdmin(context, onUnix(path)), refusal(/in use by another process/));
  assert.ok(statSync(path).isSocket());
});

test('a file that is no socket is left alone', async (context) => {
  const path = socketPath(context);
  writeFileSync(path, 'precious');
  await assert.rejects(openAdmin(context, onUnix(path)), refusal(/not a socket/));
  assert.ok(statSync(path).isFile());
});

test('a folder that is not there is a clear error', async (context) => {
  await assert.rejects(openAdmin(context, onUnix(join(socketPath(context), 'x'))), refusal(/ENOTDIR|ENOENT|EACCES/));
});

test('a taken port is a clear error that names the address', async (context) => {
  const { port } = await openAdmin(context);
  const listen = { kind: 'tcp', host: '127.0.0.1', port } as const;
  await assert.rejects(
    openAdmin(context, { options: { listen } }),
    refusal(new RegExp(`127\\.0\\.0\\.1:${port}.*EADDRINUSE`)),
  );
});

test('close ends idle connections at once and waits for the answer under way', async (context) => {
  const { promise: asked, resolve: wasAsked } = Promise.withResolvers<void>();
  const { promise: metrics, resolve: answer } = Promise.withResolvers<{ contentType: string; text: string }>();
  const { server, port } = await openAdmin(context, {
    views: {
      metrics: () => {
        wasAsked();
        return metrics;
      },
    },
  });
  const pending = ask(port, '/metrics');
  await asked;
  const closed = server.close();
  answer({ contentType: 'text/plain', text: 'late but whole' });
  assert.equal((await pending).text, 'late but whole');
  await closed;
  await assert.rejects(ask(port, '/livez'));
});

function refusal(message: RegExp): (error: unknown) => boolean {
  return (error) => isPosternError(error, 'ERR_LISTEN') && message.test(error.message);
}

/** The descriptor is closed without removing the file, as a kill does. */
function leaveStaleSocket(path: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}
