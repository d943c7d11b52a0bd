// Identity from the embedded CA: the contract of every source, renewal by the clock, and what the CA refuses.

import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PosternError } from '../../src/errors.ts';
import { createDevCa, loadDevCa, openDevCa } from '../../src/identity/dev-ca.ts';
import { type DevCaSourceOptions, openDevCaSource } from '../../src/identity/dev-ca-source.ts';
import { rotationDueMs } from '../../src/identity/source.ts';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import { temporaryFolder, until } from './folders.ts';
import { proveIdentitySource } from './identity-source.contract.ts';
import { hourMs, makeCa } from './workshop.ts';

const spiffeId = 'spiffe://a.example/ns/payments/api';
const trustDomain = 'a.example';

function optionsOf(more: Partial<DevCaSourceOptions> = {}): DevCaSourceOptions {
  return {
    dir: join(temporaryFolder(), 'ca'),
    spiffeId,
    ttlMs: hourMs,
    dnsNames: [],
    federation: [],
    clock: systemClock,
    pollMs: 3_600_000,
    isProduction: false,
    onRefused: () => {},
    onWarning: () => {},
    onListenerError: () => {},
    ...more,
  };
}

proveIdentitySource('dev-ca', async () => {
  const refused: PosternError[] = [];
  const thrown: unknown[] = [];
  const partner = join(temporaryFolder(), 'partner.pem');
  const right = (await makeCa({ subject: 'CN=Partner' })).pem;
  writeFileSync(partner, right);
  const clock = new ManualClock(Date.now());
  let isBroken = false;
  // The CA cannot break by itself; an expired one can: its clock is moved beyond its end.
  const options = optionsOf({
    clock: {
      nowMs: () => clock.nowMs() + (isBroken ? 6 * 365 * 24 * hourMs : 0),
      nowUs: () => clock.nowUs(),
      monotonicMs: () => clock.monotonicMs(),
    },
    onRefused: (error) => void refused.push(error),
    onListenerError: (error) => void thrown.push(error),
  });
  const source = await openDevCaSource(options);
  return {
    source,
    rotate: async () => {
      isBroken = false;
    },
    breakIt: async () => {
      isBroken = true;
    },
    refused: () => refused.map((error) => error.code),
    thrown: () => thrown,
    close: () => source.close(),
  };
});

test('renews itself at half of its lifetime, by the clock', async (t) => {
  const clock = new ManualClock(Date.now());
  const source = await openDevCaSource(optionsOf({ clock, pollMs: 5 }));
  t.after(() => source.close());
  const first = source.current;
  assert.ok(Math.abs(rotationDueMs(first) - (clock.nowMs() + hourMs / 2)) < 10_000);
  clock.advance(rotationDueMs(first) - clock.nowMs() - 1);
  await source.refresh(); // what is not due is renewed when asked for
  assert.equal(source.current.revision, 2);
  clock.advance(hourMs / 2 + 1);
  await until(() => source.current.revision === 3, 'the SVID is renewed');
  assert.ok(source.current.svid.notAfterMs > clock.nowMs() + hourMs / 2);
});

test('two sidecars on one folder share one CA, though they start at once', async () => {
  const dir = join(temporaryFolder(), 'ca');
  const cas = await Promise.all(Array.from({ length: 8 }, () => openDevCa({ dir, trustDomain })));
  assert.equal(new Set(cas.map((ca) => ca.bundlePem)).size, 1);
  assert.equal(readFileSync(join(dir, 'bundle.pem'), 'utf8'), cas[0]!.bundlePem);
});

test('the key of the CA is for its owner alone', async () => {
  const dir = join(temporaryFolder(), 'ca');
  await createDevCa({ dir, trustDomain });
  assert.equal(statSync(join(dir, 'ca.pem')).mode & 0o777, 0o600);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.ok(!readFileSync(join(dir, 'bundle.pem'), 'utf8').includes('PRIVATE'));
});

test('refuses everything in production', async () => {
  const dir = join(temporaryFolder(), 'ca');
  for (const make of [createDevCa, loadDevCa, openDevCa]) {
    await assert.rejects(make({ dir, trustDomain, isProduction: true }), { code: 'ERR_DEV_CA_PRODUCTION' });
  }
  await assert.rejects(openDevCaSource(optionsOf({ isProduction: true })), { code: 'ERR_DEV_CA_PRODUCTION' });
});

test('a CA is made once and never overwritten', async () => {
  const dir = join(temporaryFolder(), 'ca');
  const first = await createDevCa({ dir, trustDomain });
  await assert.rejects(createDevCa({ dir, trustDomain }), { code: 'ERR_DEV_CA' });
  assert.equal((await loadDevCa({ dir, trustDomain })).bundlePem, first.bundlePem);
});

test('a CA is of one trust domain', async () => {
  const dir = join(temporaryFolder(), 'ca');
  const ca = await createDevCa({ dir, trustDomain });
  await assert.rejects(loadDevCa({ dir, trustDomain: 'b.example' }), { code: 'ERR_DEV_CA' });
  await assert.rejects(ca.issue({ spiffeId: 'spiffe://b.example/x' }), { code: 'ERR_DEV_CA' });
  await assert.rejects(ca.issue({ spiffeId: 'spiffe://a.example' }), { code: 'ERR_DEV_CA' });
  await assert.rejects(ca.issue({ spiffeId: 'spiffe://A.example/x' }), { code: 'ERR_SPIFFE_ID_INVALID' });
});

test('refuses a folder without a CA, a broken one, and names that are none', async () => {
  const dir = join(temporaryFolder(), 'ca');
  await assert.rejects(loadDevCa({ dir, trustDomain }), { code: 'ERR_DEV_CA' });
  const ca = await createDevCa({ dir, trustDomain });
  await assert.rejects(ca.issue({ spiffeId, dnsNames: ['a b'] }), { code: 'ERR_DEV_CA' });
  await assert.rejects(ca.issue({ spiffeId, ipAddresses: ['300.1.1.1'] }), { code: 'ERR_DEV_CA' });
  await assert.rejects(ca.issue({ spiffeId, ttlMs: 1 }), { code: 'ERR_DEV_CA' });
  writeFileSync(join(dir, 'ca.pem'), 'broken');
  await assert.rejects(loadDevCa({ dir, trustDomain }), { code: 'ERR_DEV_CA' });
});

test('issues names and addresses beside the identity, for the time asked for', async () => {
  const ca = await createDevCa({ dir: join(temporaryFolder(), 'ca'), trustDomain });
  const svid = await ca.issue({ spiffeId, ttlMs: 60_000, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] });
  const leaf = svid.certificates[0]!;
  assert.equal(leaf.checkHost('localhost'), 'localhost');
  assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(leaf.checkIP('::1'), '::1');
  assert.ok(svid.notAfterMs - Date.now() <= 60_000);
});
