// Revocation lists from files beside an identity: the start, a hot change, copies that must not take a right back or give
// one back, and time.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ExpiredCrlRule } from '../../src/identity/crl-set.ts';
import { createPeerVerifier } from '../../src/identity/peer-verification.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import type { IdentitySource } from '../../src/identity/source.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { type IssuedByOpenssl, OpensslCa } from '../harness/openssl-ca.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Domain, join, type Lived } from './domains.ts';

const deadlineMs = 20_000;
const dir = mkdtempSync(path.join(tmpdir(), 'postern-crl-files-'));
const file = path.join(dir, 'ca.crl');
const lived: (() => Promise<void> | void)[] = [];
const scope: Lived = { after: (end) => void lived.push(end) };
let own: Domain;
let ca: OpensslCa;
let leaf: IssuedByOpenssl;
let empty: string;
let revoking: string;
let forged: string;

before(async () => {
  own = await Domain.make(scope, 'a.example');
  ca = new OpensslCa(dir, { name: 'root', trustDomain: 'b.example' });
  leaf = ca.issue('/x');
  own.holdPem('b.example', ca.pem);
  empty = ca.crl({ fromS: -300 });
  ca.revoke(leaf.file);
  revoking = ca.crl({ fromS: -100 });
  const twin = new OpensslCa(mkdtempSync(path.join(dir, 'twin-')), { name: 'root', trustDomain: 'b.example' });
  forged = twin.crl({ extensions: [] });
});

after(async () => {
  for (const end of lived.reverse()) await end();
  rmSync(dir, { recursive: true, force: true });
});

function write(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function verdict(source: IdentitySource, nowMs = Date.now()): string {
  const result = createPeerVerifier({ cacheEntries: 0 }).verify({
    leaf: new X509Certificate(leaf.pem),
    intermediates: [],
    bundles: source.current.bundles,
    revocations: RevocationList.empty,
    role: 'client',
    nowMs,
  });
  return result.ok ? 'accepted' : result.cause;
}

const opened = (t: Lived, expiredCrl: ExpiredCrlRule = 'refuse', clock: Clock = systemClock) =>
  join(t, own, { crlFiles: [file], expiredCrl, clock });

test('a start without a usable list fails and says why', async (t) => {
  rmSync(file, { force: true });
  await assert.rejects(opened(t), { code: 'ERR_IDENTITY_FILE' });
  write(forged);
  await assert.rejects(opened(t), /names CA .*, whose key did not sign it/);
  write(ca.crl({ fromS: 3_600, untilS: 7_200 }));
  await assert.rejects(opened(t), /is of the future/);
});

test('a new list is in force at once; one that is forged, older, cut short or gone leaves it so, and is counted', async (t) => {
  write(empty);
  const { source, refused } = await opened(t);
  assert.equal(verdict(source), 'accepted');
  const { revision } = source.current;
  write(revoking);
  await waitFor('the list', () => verdict(source) === 'revoked', deadlineMs);
  assert.ok(source.current.revision > revision);
  const rows: readonly (readonly [() => void, RegExp])[] = [
    [() => write(forged), /did not sign it/],
    [() => write(empty), /is older than the one in force/],
    [() => write(revoking.slice(0, 100)), /cut short/],
    [() => rmSync(file), /does not exist/],
  ];
  for (const [change, message] of rows) {
    const before = refused.length;
    change();
    await waitFor(String(message), () => refused.slice(before).some((one) => message.test(one.message)), deadlineMs);
    assert.equal(verdict(source), 'revoked', String(message));
  }
  const { crls } = source.status;
  assert.ok(crls!.refused >= rows.length);
  assert.deepEqual(
    crls!.lists.map(({ issuer, size, standing }) => [issuer, size, standing]),
    [['CN=root,O=Test', 1, 'signed']],
  );
  write(ca.crl({ fromS: -10 }));
  await waitFor('the newest', () => source.status.crls!.lists[0]!.thisUpdateMs > Date.now() - 60_000, deadlineMs);
});

for (const rule of ['refuse', 'use'] as const) {
  test(`a list that goes over its time makes every connection be judged again and warns (${rule})`, async (t) => {
    write(empty);
    let aheadMs = 0;
    const clock: Clock = {
      nowMs: () => systemClock.nowMs() + aheadMs,
      nowUs: () => systemClock.nowUs(),
      monotonicMs: () => systemClock.monotonicMs(),
    };
    const { source, warned } = await opened(t, rule, clock);
    const { current } = source;
    aheadMs = 2 * 3_600_000;
    await waitFor('another snapshot', () => source.current !== current, deadlineMs);
    assert.equal(verdict(source, clock.nowMs()), rule === 'refuse' ? 'crl_expired' : 'accepted');
    assert.deepEqual(
      warned.map((one) => one.code),
      ['ERR_CRL_EXPIRED'],
    );
    write(ca.crl({ fromS: -10, untilS: 4 * 3_600 }));
    await waitFor('the next list', () => verdict(source, clock.nowMs()) === 'revoked', deadlineMs);
  });
}
