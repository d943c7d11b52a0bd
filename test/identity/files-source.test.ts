// Identity from files: the contract of every source, and what happens to files in the field.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { X509Svid } from '../../src/identity/x509-svid.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { FilesWorld, opened, spiffeId } from './files-world.ts';
import { until } from './folders.ts';
import { proveIdentitySource } from './identity-source.contract.ts';
import { hourMs, makeCa, makeLeaf } from './workshop.ts';

proveIdentitySource('files', async () => {
  const world = await FilesWorld.make();
  const source = await world.open();
  return {
    source,
    rotate: async () => void (await world.rotate()),
    breakIt: async () => void world.write('tls.crt', 'broken'),
    refused: () => world.refused.map((error) => error.code),
    thrown: () => world.thrown,
    close: () => source.close(),
  };
});

test('takes a rotation over by notification alone', async (t) => {
  const world = await opened(t);
  const svid = await world.rotate();
  await until(() => world.source.current.svid.serial === svid.serial, 'the new SVID is published');
  assert.deepEqual(world.refused, []);
});

test('takes a rotation over by polling where notification is lost: the folder itself was replaced', async (t) => {
  const world = await opened(t, { pollMs: 10 });
  const next = `${world.dir}.next`;
  mkdirSync(next);
  const svid = await world.ca.issue({ spiffeId });
  for (const [name, text] of [
    ['tls.crt', svid.certChainPem],
    ['tls.key', svid.keyPem],
    ['bundle.pem', world.ca.bundlePem],
  ]) {
    writeFileSync(join(next, name!), text!);
  }
  renameSync(world.dir, `${world.dir}.old`);
  renameSync(next, world.dir);
  t.after(() => rmSync(`${world.dir}.old`, { recursive: true }));
  await until(() => world.source.current.svid.serial === svid.serial, 'the new SVID is published');
});

test('follows the symbolic links that Kubernetes swaps, all files at one moment', async (t) => {
  const world = await FilesWorld.make();
  const put = async (version: string) => {
    const svid = await world.ca.issue({ spiffeId });
    mkdirSync(join(world.dir, version));
    writeFileSync(join(world.dir, version, 'tls.crt'), svid.certChainPem);
    writeFileSync(join(world.dir, version, 'tls.key'), svid.keyPem);
    writeFileSync(join(world.dir, version, 'bundle.pem'), world.ca.bundlePem);
    symlinkSync(version, join(world.dir, '..data.new'));
    renameSync(join(world.dir, '..data.new'), join(world.dir, '..data'));
    return svid;
  };
  await put('..v1');
  for (const name of ['tls.crt', 'tls.key', 'bundle.pem']) {
    rmSync(join(world.dir, name));
    symlinkSync(join('..data', name), join(world.dir, name));
  }
  await world.open();
  t.after(() => world.source.close());
  const second = await put('..v2');
  await until(() => world.source.current.svid.serial === second.serial, 'the second version is published');
  assert.deepEqual(world.refused, []);
  assert.deepEqual(world.thrown, []);
});

/** A clock that tells how often it was asked: each reading of the files asks. */
class CountingClock extends ManualClock {
  asked = 0;

  override nowMs(): number {
    this.asked++;
    return super.nowMs();
  }
}

/** Refreshes while the files are wrong, and mends them only after the source has read them at least once. */
async function mendedWhileReading(
  t: { after(fn: () => Promise<void>): void },
  half: (w: FilesWorld, next: X509Svid) => void,
  rest: typeof half,
) {
  const clock = new CountingClock(Date.now());
  const world = await FilesWorld.make();
  await world.open({ patienceMs: 5_000 }, clock);
  t.after(() => world.source.close());
  const before = world.source.current.svid.serial;
  const next = await world.ca.issue({ spiffeId });
  half(world, next);
  const asked = clock.asked;
  const refreshing = world.source.refresh();
  await until(() => clock.asked > asked + 2, 'the files are read while they are wrong');
  assert.equal(world.source.current.svid.serial, before);
  rest(world, next);
  await refreshing;
  assert.equal(world.source.current.svid.serial, next.serial);
  assert.deepEqual(world.refused, []);
}

test('a certificate and its key that are replaced one after the other are never refused', async (t) => {
  const half = (world: FilesWorld, next: X509Svid) => void world.write('tls.crt', next.certChainPem);
  await mendedWhileReading(t, half, (world, next) => void world.write('tls.key', next.keyPem));
});

test('a file that is half written is never taken', async (t) => {
  const half = (world: FilesWorld, next: X509Svid) => {
    world.write('tls.key', next.keyPem);
    writeFileSync(join(world.dir, 'tls.crt'), next.certChainPem.slice(0, 200));
  };
  await mendedWhileReading(t, half, (world, next) => writeFileSync(join(world.dir, 'tls.crt'), next.certChainPem));
});

test('does not start where its own bundle does not vouch for it', async () => {
  const world = await FilesWorld.make();
  world.write('bundle.pem', (await makeCa({ subject: 'CN=Stranger' })).pem);
  await assert.rejects(world.open(), { code: 'ERR_SVID_UNVOUCHED' });
});

test('a removed CA is distrusted at once, though the own certificate is still of it', async (t) => {
  const world = await opened(t);
  const other = await makeCa({ subject: 'CN=New CA' });
  world.write('bundle.pem', other.pem);
  await world.source.refresh();
  const { svid, bundles } = world.source.current;
  assert.deepEqual(
    bundles.get(svid.id.trustDomain)?.authorities.map((one) => one.facts.subject),
    ['CN=New CA'],
  );
  assert.ok(world.warned.some((error) => error.code === 'ERR_SVID_UNVOUCHED'));
});

test('a broken certificate does not hold up a new bundle', async (t) => {
  const world = await opened(t, { patienceMs: 0 });
  const before = world.source.current.svid.serial;
  const other = await makeCa({ subject: 'CN=Second CA' });
  world.write('tls.crt', 'broken');
  world.write('bundle.pem', world.ca.bundlePem + other.pem);
  await assert.rejects(world.source.refresh(), { code: 'ERR_SVID_CERTIFICATE' });
  assert.equal(world.source.current.svid.serial, before);
  assert.equal(world.source.current.bundles.bundles[0]?.authorities.length, 2);
});

test('a new certificate that nobody would accept is refused, and the old one stays', async (t) => {
  const world = await opened(t);
  const before = world.source.current.svid.serial;
  const stranger = await makeLeaf({ issuer: await makeCa({ subject: 'CN=Stranger' }), uris: [spiffeId] });
  world.write('tls.key', stranger.keyPem);
  world.write('tls.crt', stranger.pem);
  await assert.rejects(world.source.refresh(), { code: 'ERR_SVID_UNVOUCHED' });
  assert.equal(world.source.current.svid.serial, before);
});

test('federated bundles vouch for their own domain; a broken one keeps its last good value and holds up nothing', async (t) => {
  const partner = await makeCa({ subject: 'CN=Partner' });
  const world = await FilesWorld.make();
  const bundleFile = world.write('partner.pem', partner.pem);
  await world.open({ federation: [{ trustDomain: 'b.example', bundleFile }], patienceMs: 0 });
  t.after(() => world.source.close());
  const partnerDomain = TrustDomain.parse('b.example');
  assert.deepEqual(world.source.current.bundles.trustDomains.map(String), ['a.example', 'b.example']);
  world.write('partner.pem', 'broken');
  const svid = await world.rotate();
  await assert.rejects(world.source.refresh(), { code: 'ERR_TRUST_BUNDLE_INVALID' });
  assert.equal(world.source.current.svid.serial, svid.serial);
  assert.equal(world.source.current.bundles.get(partnerDomain)?.authorities.length, 1);
});

test('the own trust domain cannot be federated', async () => {
  const world = await FilesWorld.make();
  const bundleFile = world.write('partner.pem', world.ca.bundlePem);
  await assert.rejects(world.open({ federation: [{ trustDomain: 'a.example', bundleFile }] }), {
    code: 'ERR_TRUST_BUNDLE_DUPLICATE',
  });
});

test('a key that every user may read is warned of, and works', async (t) => {
  const world = await FilesWorld.make();
  chmodSync(join(world.dir, 'tls.key'), 0o644);
  await world.open();
  t.after(() => world.source.close());
  assert.deepEqual(
    world.warned.map((error) => error.code),
    ['ERR_IDENTITY_KEY_EXPOSED'],
  );
});

test('files that were touched but say the same publish nothing', async (t) => {
  const world = await opened(t);
  let heard = 0;
  world.source.subscribe(() => heard++);
  world.write('tls.crt', world.source.current.svid.certChainPem);
  await world.source.refresh();
  assert.equal(heard, 0);
});

test('a refused certificate that becomes valid with time is taken without a change of the files', async (t) => {
  const clock = new ManualClock(Date.now());
  const world = await FilesWorld.make();
  const svid = await world.ca.issue({ spiffeId });
  await world.open({ patienceMs: 0, refusedRetryMs: 10 }, clock);
  t.after(() => world.source.close());
  const ca = await makeCa({ notAfterMs: Date.now() + 100 * hourMs });
  const leaf = await makeLeaf({
    issuer: ca,
    uris: [spiffeId],
    notBeforeMs: Date.now() + hourMs,
    notAfterMs: Date.now() + 2 * hourMs,
  });
  world.write('bundle.pem', world.ca.bundlePem + ca.pem);
  world.write('tls.key', leaf.keyPem);
  world.write('tls.crt', leaf.pem);
  await assert.rejects(world.source.refresh(), { code: 'ERR_SVID_REFUSED' });
  await until(() => world.refused.length >= 4, 'it is tried again and again, not only when the files change');
  clock.advance(hourMs);
  await until(() => world.source.current.svid.serial === leaf.certificate.serialNumber, 'the certificate is taken');
  assert.notEqual(world.source.current.svid.serial, svid.serial);
});
