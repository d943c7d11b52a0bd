// `postern demo --once`, as `npm start` runs it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startDatabase } from '../../src/demo/demo-database.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';
import { program } from '../program.ts';
import { requireTool } from '../require-tool.ts';

function demo(dir: string, ...flags: string[]) {
  const args = [program, 'demo', '--once', '--dir', dir, ...flags];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
}

test('the demo shows allowed, denied and refused calls with their reasons, and ends with 0', (t) => {
  const run = demo(path.join(temporaryFolder(t), 'demo'));
  assert.equal(run.status, 0, run.stdout + run.stderr);
  for (const expected of [
    /ALLOW {2}HTTP 200 {2}rule: database-access/,
    /ALLOW {2}HTTP 200 {2}rule: audit-log-write/,
    /DENY {2}HTTP 403 {2}reason: default\n {5}nearest rule: payment-service-access\/database-access/,
    /principal\.spiffe_id is "spiffe:\/\/prod\.acme\.com\/ns\/payments\/worker"/,
    /DENY {2}HTTP 403 {2}rule: deny-cross-namespace/,
    /DENY {2}HTTP 403 {2}rule: deny-other-environment/,
    /DENY {2}HTTP 400 {2}reason: bad_request_target/,
    /REFUSED {2}at the handshake: .*certificate required {2}authn_failed: no_certificate/,
    /8 of 8 calls came out as expected; 2 reached the service/,
  ]) {
    assert.match(run.stdout, expected);
  }
  assert.equal(run.stderr, '');
});

test('the demo of programs that nobody changed: Python and PostgreSQL through two Posterns', (t) => {
  if (requireTool(t, 'python3') === null || requireTool(t, 'postgres') === null) return;
  const run = demo(path.join(temporaryFolder(t), 'demo'), '--tcp');
  assert.equal(run.status, 0, run.stdout + run.stderr);
  for (const expected of [
    /three orders are open\n {3}ALLOW {2}caller side: .*rule: calls-orders\n {3}ALLOW {2}server side: .*rule: reads-orders/,
    /HTTP Error 403: Forbidden\n {3}ALLOW {2}caller side.*\n {3}DENY {3}server side: spiffe:.*\/front {2}default/,
    /sent away\n {3}DENY {3}server side: anonymous {2}authn_failed/,
    /42\n {3}ALLOW {2}caller side: .*\n {3}ALLOW {2}server side: .*rule: uses-the-database/,
    /4 of 4 came out as expected/,
  ]) {
    assert.match(run.stdout, expected);
  }
});

test('the demo of gRPC: a chat judged by method, and one who loses the right in the middle of a call', (t) => {
  const run = demo(path.join(temporaryFolder(t), 'demo'), '--grpc');
  assert.equal(run.status, 0, run.stdout + run.stderr);
  for (const expected of [
    /ns\/chat\/alice {2}the deploy is green\n.*ns\/chat\/bob {2}then we go home\n {3}ALLOW .*alice {2}rule: members-talk/,
    /History {2}grpc-status 0 OK\n {3}ALLOW .*guest {2}rule: all-may-read/,
    /Talk {2}grpc-status 7 PERMISSION_DENIED\n {3}DENY .*guest {2}reason: default\n {5}nearest rule: chat\/members-talk/,
    /Clear {2}grpc-status 7 PERMISSION_DENIED\n {3}DENY .*rule: nobody-clears/,
    /DENY {3}spiffe:\/\/staging\.acme\.com\/ns\/chat\/alice {2}rule: deny-other-environment/,
    /bob: grpc-status 7 PERMISSION_DENIED\n {3}DENY .*bob {2}reason: reauth_revoked\n {3}alice, .*: anybody here\?/,
    /6 of 6 came out as expected; 3 calls reached the service/,
  ]) {
    assert.match(run.stdout, expected);
  }
  assert.equal(run.stderr, '');
});

test('a PostgreSQL that makes no cluster is told with the mend, and leaves no folder behind', async (t) => {
  const dir = temporaryFolder(t);
  const program = put(dir, 'postgres', '');
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = dir;
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const fault = { code: 'ERR_USAGE', message: /PostgreSQL.*(initdb|postgres)/, mend: /postern demo/ };
  await assert.rejects(startDatabase(program, 'psql'), fault);
  assert.deepEqual(readdirSync(dir), ['postgres']);
});

test('the demo never clears a folder that is not its own', (t) => {
  const dir = temporaryFolder(t);
  const precious = put(dir, 'precious.txt', 'mine');
  const run = demo(dir);
  assert.equal(run.status, 2, run.stderr);
  assert.match(run.stderr, /give an empty folder with --dir/);
  assert.ok(existsSync(precious));
});
