// `postern demo --once`, as `npm start` runs it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';
import { program } from '../program.ts';

function demo(dir: string) {
  const args = [program, 'demo', '--once', '--dir', dir];
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

test('the demo never clears a folder that is not its own', (t) => {
  const dir = temporaryFolder(t);
  const precious = put(dir, 'precious.txt', 'mine');
  const run = demo(dir);
  assert.equal(run.status, 2, run.stderr);
  assert.match(run.stderr, /give an empty folder with --dir/);
  assert.ok(existsSync(precious));
});
