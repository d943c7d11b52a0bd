// Programs that nobody changed, with their own libraries: PostgreSQL and Redis through two sidecars.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { digestOf, rowsOf } from '../harness/copied-rows.ts';
import { freePort } from '../harness/free-port.ts';
import { startPostgres } from '../harness/postgres.ts';
import { temporaryFolder } from '../harness/sidecar-process.ts';
import { call, type TcpRecord, TcpWorld, textOf } from '../harness/tcp-world.ts';
import { waitFor } from '../harness/wait-for.ts';
import { requireTool } from '../require-tool.ts';

const copiedBytes = 2 * 1024 * 1024;

test('PostgreSQL: queries, COPY both ways, and a cancel request that ends a query of another connection', async (t) => {
  const postgres = requireTool(t, 'postgres');
  if (postgres === null) return;
  const { socket } = await startPostgres(t, postgres);
  const world = await TcpWorld.open(t, { server: socket });
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port: world.port, user: 'tester', database: 'postgres' });
    await client.connect();
    return client;
  };
  const client = await connect();
  await client.query('create unlogged table rows (number int, text text)');
  await pipeline(rowsOf(copiedBytes), client.query(copyFrom('copy rows from stdin')));
  const { rows } = await client.query<{ count: string }>('select count(*) from rows where text like $1', ['%abc%']);
  assert.ok(Number(rows[0]?.count) > copiedBytes / 200);
  const sent = await digestOf(rowsOf(copiedBytes));
  assert.deepEqual(await digestOf(client.query(copyTo('copy rows to stdout'))), sent);

  const endless = assert.rejects(client.query('select pg_sleep(3600)'), /canceling statement due to user request/);
  const other = await connect();
  const isRunning = "select 1 from pg_stat_activity where query like '%pg_sleep(3600)%' and pid <> pg_backend_pid()";
  await waitFor('the query to run', async () => (await other.query(isRunning)).rowCount === 1);
  await cancel(client, world.port);
  await endless;
  await Promise.all([client.end(), other.end()]);

  const ends = await waitFor('every connection to end on record', () => {
    const found = world.database.records().filter((one: TcpRecord) => one.type === 'outcome');
    return found.length >= 3 ? found : null;
  });
  assert.ok(ends.some(({ outcome }) => (outcome?.request_bytes ?? 0) > copiedBytes));
  assert.ok(ends.some(({ outcome }) => (outcome?.response_bytes ?? 0) > copiedBytes));
});

/** As libpq does it: another connection, with the key of the one whose query is to end (PostgreSQL protocol, CancelRequest). */
async function cancel(client: pg.Client, port: number): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const request = Buffer.alloc(16);
  for (const [at, word] of [16, 80_877_102, processID, secretKey].entries()) request.writeInt32BE(word, at * 4);
  const socket = call(port);
  socket.end(request);
  await textOf(socket).catch(() => {});
}

test('Redis: its own client sets, gets and lists, and messages of the server arrive unasked', async (t) => {
  const server = requireTool(t, 'redis-server');
  const cli = requireTool(t, 'redis-cli');
  if (server === null || cli === null) return;
  const port = await freePort();
  const dir = temporaryFolder(t, 'postern-redis-');
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    dir,
    '--logfile',
    path.join(dir, 'log'),
  ];
  const redis = spawn(server, args, { stdio: 'ignore' });
  t.after(async () => {
    redis.kill();
    await waitFor('Redis to end', () => redis.exitCode !== null || redis.signalCode !== null);
  });
  const world = await TcpWorld.open(t, { server: port });
  const ask = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)(cli, ['-h', '127.0.0.1', '-p', String(world.port), ...words])).stdout.trim();
  await waitFor('Redis to answer', () => ask('ping').then((answer) => answer === 'PONG'));
  const value = 'x'.repeat(100_000);
  assert.equal(await ask('set', 'key', value), 'OK');
  assert.equal(await ask('get', 'key'), value);

  const listener = spawn(cli, ['-h', '127.0.0.1', '-p', String(world.port), 'subscribe', 'news']);
  t.after(() => void listener.kill());
  let heard = '';
  listener.stdout.on('data', (bytes: Buffer) => {
    heard += String(bytes);
  });
  await waitFor('the subscription', () => heard.includes('subscribe'));
  assert.equal(await ask('publish', 'news', 'unasked'), '1');
  await waitFor('the message', () => heard.includes('unasked'));
});
