// Every fault of an identity file, at start and while running: the code says what, the message which file, and a running
// sidecar goes on as before.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FilesWorld, opened, spiffeId } from './files-world.ts';
import { hourMs, makeCa, makeLeaf } from './workshop.ts';

const faults: readonly [what: string, code: string, make: (world: FilesWorld) => Promise<void> | void][] = [
  [
    'a key that does not fit',
    'ERR_SVID_KEY_MISMATCH',
    async (w) => void w.write('tls.key', (await w.ca.issue({ spiffeId })).keyPem),
  ],
  ['a certificate that is not PEM', 'ERR_SVID_CERTIFICATE', (w) => void w.write('tls.crt', 'hello')],
  ['an empty certificate file', 'ERR_SVID_CERTIFICATE', (w) => void w.write('tls.crt', '')],
  ['a certificate file that is gone', 'ERR_IDENTITY_FILE', (w) => rmSync(join(w.dir, 'tls.crt'))],
  ['a key file that is gone', 'ERR_IDENTITY_FILE', (w) => rmSync(join(w.dir, 'tls.key'))],
  ['a bundle that is gone', 'ERR_IDENTITY_FILE', (w) => rmSync(join(w.dir, 'bundle.pem'))],
  ['an empty bundle', 'ERR_TRUST_BUNDLE_INVALID', (w) => void w.write('bundle.pem', '')],
  [
    'a bundle of workload certificates',
    'ERR_TRUST_BUNDLE_INVALID',
    (w) => void w.write('bundle.pem', w.source.current.svid.certChainPem),
  ],
  ['an expired certificate', 'ERR_SVID_REFUSED', (w) => writeExpired(w)],
];

async function writeExpired(world: FilesWorld): Promise<void> {
  const ca = await makeCa();
  const leaf = await makeLeaf({
    issuer: ca,
    uris: [spiffeId],
    notBeforeMs: Date.now() - 2 * hourMs,
    notAfterMs: Date.now() - hourMs,
  });
  world.write('tls.crt', leaf.pem);
  world.write('tls.key', leaf.keyPem);
}

for (const [what, code, make] of faults) {
  test(`${what}: ${code} is told, and the last good snapshot stays`, async (t) => {
    const world = await opened(t);
    await world.source.close(); // the watch would tell it a second time
    const watched = await world.open({ patienceMs: 0 });
    const before = watched.current;
    await make(world);
    await assert.rejects(watched.refresh(), { code });
    assert.equal(watched.current, before);
    assert.ok(world.refused.every((error) => error.code === code));
    const told = world.refused[0]!;
    assert.ok(told.message.includes(world.dir), `names the file: ${told.message}`);
    assert.ok(told.mend.length > 0);
  });
}

for (const [what, code, make] of faults.filter(([what]) => what !== 'a bundle of workload certificates')) {
  test(`does not start with ${what}: ${code}`, async () => {
    const world = await FilesWorld.make();
    await make(world);
    await assert.rejects(world.open(), { code });
  });
}
