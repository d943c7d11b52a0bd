// `npm run soak:copy`: COPY of 200 MB into PostgreSQL and out of it, through two Posterns in one process, whole to the last
// octet, and within bounded memory. Prints what it took.

import assert from 'node:assert/strict';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { digestOf, rowsOf } from '../harness/copied-rows.ts';
import { startPostgres } from '../harness/postgres.ts';
import { TcpWorld } from '../harness/tcp-world.ts';
import { requireTool } from '../require-tool.ts';

const copiedBytes = 200_000_000;
/** The client library, both sidecars and the test itself. */
const mostGrowthBytes = 200_000_000;

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  const made = await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(`${what}: ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU time\n`);
  return made;
}

test('200 MB go in and come out as they were', async (t) => {
  const postgres = requireTool(t, 'postgres');
  if (postgres === null) return;
  const { socket } = await startPostgres(t, postgres);
  const world = await TcpWorld.open(t, { server: socket });
  const client = new pg.Client({ host: '127.0.0.1', port: world.port, user: 'tester', database: 'postgres' });
  await client.connect();
  await client.query('create unlogged table rows (number int, text text)');
  const sent = await digestOf(rowsOf(copiedBytes));
  const residentBytes = process.memoryUsage.rss();
  await timed('COPY in', () => pipeline(rowsOf(copiedBytes), client.query(copyFrom('copy rows from stdin'))));
  const got = await timed('COPY out', () => digestOf(client.query(copyTo('copy rows to stdout'))));
  const growthBytes = process.memoryUsage.rss() - residentBytes;
  process.stdout.write(`memory grew by ${(growthBytes / 1e6).toFixed(0)} MB\n`);
  await client.end();
  assert.deepEqual(got, sent);
  assert.ok(growthBytes < mostGrowthBytes, `memory grew by ${growthBytes} bytes`);
  const { end } = await world.ended(world.database);
  assert.ok((end.outcome?.request_bytes ?? 0) > copiedBytes && (end.outcome?.response_bytes ?? 0) > copiedBytes);
});
