// Revocation lists as `openssl ca` writes them (RFC 5280 §5): what they revoke, what they cannot, and what is refused.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { parseCrl } from '../../src/identity/crl.ts';
import { readCrls } from '../../src/identity/crl-files.ts';
import { indexRows } from '../../src/identity/crl-rows.ts';
import { CrlSet, crlStanding, type ExpiredCrlRule } from '../../src/identity/crl-set.ts';
import { readDer } from '../../src/identity/der.ts';
import { firstSnapshot, type IdentityReading, nextStep, readingOf } from '../../src/identity/identity-state.ts';
import { createPeerVerifier, type PeerVerdict } from '../../src/identity/peer-verification.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { parseTrustBundle } from '../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { inTurns } from '../../src/lib/steps.ts';
import { type IssuedByOpenssl, OpensslCa } from '../harness/openssl-ca.ts';
import { der } from './certificate-encoder.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'postern-crl-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const domain = 'a.example';
let root: OpensslCa;
let middle: OpensslCa;
let twin: OpensslCa;
let mute: OpensslCa;
const leaves: Record<'revoked' | 'good' | 'below' | 'belowRevoked', IssuedByOpenssl> = {} as never;
const lists: Record<'root' | 'middle' | 'plain' | 'middleGone', string> = {} as never;

before(() => {
  root = new OpensslCa(dir, { name: 'root', trustDomain: domain });
  middle = new OpensslCa(dir, { name: 'middle', trustDomain: domain, parent: root });
  leaves.revoked = root.issue('/revoked');
  leaves.good = root.issue('/good');
  leaves.below = middle.issue('/below');
  leaves.belowRevoked = middle.issue('/below-revoked');
  root.revoke(leaves.revoked.file);
  middle.revoke(leaves.belowRevoked.file, 'cessationOfOperation');
  lists.root = root.crl({ fromS: -120 });
  lists.middle = middle.crl();
  lists.plain = root.crl({ extensions: [] });
  root.revoke(path.join(middle.dir, 'ca.pem'), 'CACompromise');
  lists.middleGone = root.crl();
  const elsewhere = path.join(dir, 'twin');
  twin = new OpensslCa(mkdtempSync(`${elsewhere}-`), { name: 'root', trustDomain: domain });
  mute = new OpensslCa(dir, { name: 'mute', trustDomain: domain, keyUsage: 'keyCertSign' });
});

const crls = (...texts: string[]) => texts.flatMap((text) => readCrls(text, 'test.crl'));

interface Judging {
  readonly via?: readonly string[];
  readonly expired?: ExpiredCrlRule;
  readonly nowMs?: number;
  readonly authorities?: readonly string[];
}

function judge(leaf: IssuedByOpenssl, texts: readonly string[], judging: Judging = {}): PeerVerdict {
  const { via = [], expired = 'refuse', nowMs = Date.now(), authorities = [root.pem] } = judging;
  const trustDomain = TrustDomain.parse(domain);
  const bundle = parseTrustBundle({ text: authorities.join(''), file: 'bundle', trustDomain });
  return createPeerVerifier({ cacheEntries: 0 }).verify({
    leaf: new X509Certificate(leaf.pem),
    intermediates: via.map((pem) => new X509Certificate(pem)),
    bundles: new BundleSet([bundle], new CrlSet(crls(...texts), expired)),
    revocations: RevocationList.empty,
    role: 'client',
    nowMs,
  });
}

const outcome = (verdict: PeerVerdict): string => (verdict.ok ? 'accepted' : verdict.cause);
const hourMs = 3_600_000;

test('each list revokes what its CA put on it, and nothing else', () => {
  const via = [middle.pem];
  const rows = [
    ['a revoked leaf', judge(leaves.revoked, [lists.root]), 'revoked'],
    ['a list of version 1', judge(leaves.revoked, [lists.plain]), 'revoked'],
    ['a good leaf', judge(leaves.good, [lists.root, lists.middle]), 'accepted'],
    ['no list', judge(leaves.revoked, []), 'accepted'],
    ['a list of another CA', judge(leaves.revoked, [lists.middle]), 'accepted'],
    ['below an intermediate', judge(leaves.below, [lists.root, lists.middle], { via }), 'accepted'],
    ['revoked by an intermediate', judge(leaves.belowRevoked, [lists.middle], { via }), 'revoked'],
    ['below a revoked intermediate', judge(leaves.below, [lists.middleGone], { via }), 'revoked'],
    [
      'an intermediate in the bundle',
      judge(leaves.below, [lists.middleGone], { authorities: [middle.pem, root.pem] }),
      'revoked',
    ],
    ['the newest list counts', judge(leaves.below, [lists.middleGone, lists.root], { via }), 'revoked'],
  ] as const;
  for (const [what, verdict, wanted] of rows) assert.equal(outcome(verdict), wanted, what);
});

test('the reason names certificate, CA, time and why', () => {
  const verdict = judge(leaves.belowRevoked, [lists.middle], { via: [middle.pem] });
  assert.ok(!verdict.ok);
  assert.match(
    verdict.detail,
    /^certificate A0F2 \(`CN=leaf-1,O=Test`\) is revoked by the CRL of CA `CN=middle,O=Test` since 20\d\d-.*Z: cessation_of_operation$/,
  );
});

test('a list over its time refuses whom it could be about, unless configuration goes by it', () => {
  const later = { nowMs: Date.now() + 2 * hourMs };
  const rows = [
    [judge(leaves.good, [lists.root], later), 'crl_expired'],
    [judge(leaves.good, [lists.root], { ...later, expired: 'use' }), 'accepted'],
    [judge(leaves.revoked, [lists.root], { ...later, expired: 'use' }), 'revoked'],
    [judge(leaves.revoked, [lists.root], later), 'revoked'],
    [judge(leaves.good, [lists.middle], later), 'accepted'],
    [judge(leaves.below, [lists.middle], { ...later, via: [middle.pem] }), 'crl_expired'],
  ] as const;
  for (const [at, [verdict, wanted]] of rows.entries()) assert.equal(outcome(verdict), wanted, `row ${at}`);
});

test('a list that its CA did not sign, or may not sign, revokes nobody', () => {
  const authority = (pem: string) => {
    const bundle = parseTrustBundle({ text: pem, file: 'bundle', trustDomain: TrustDomain.parse(domain) });
    return bundle.authorities;
  };
  const victim = twin.issue('/victim');
  twin.revoke(victim.file);
  // Same name, other key, with and without the key identifier that says so.
  for (const extensions of [['authorityKeyIdentifier=keyid'], []]) {
    const forged = twin.crl({ extensions });
    assert.equal(outcome(judge(leaves.good, [forged])), 'accepted');
    const standing = crlStanding(crls(forged)[0]!, authority(root.pem));
    assert.equal(standing, extensions.length === 0 ? 'forged' : 'unknown_issuer');
  }
  const unsaid = mute.issue('/x');
  mute.revoke(unsaid.file);
  assert.equal(outcome(judge(unsaid, [mute.crl()], { authorities: [mute.pem] })), 'accepted');
  assert.equal(crlStanding(crls(mute.crl())[0]!, authority(mute.pem)), 'forged');
  assert.equal(crlStanding(crls(lists.root)[0]!, authority(root.pem)), 'signed');
  assert.equal(crlStanding(crls(lists.middle)[0]!, authority(root.pem)), 'unknown_issuer');
});

test('what a list says of the own SVID keeps nobody from starting or rotating: that is for peers to judge', () => {
  const reading = (leaf: IssuedByOpenssl, text: string): IdentityReading => ({
    svid: readingOf(() =>
      parseX509Svid({ certPem: leaf.pem, keyPem: leaf.keyPem, certFile: 'c', keyFile: 'k', nowMs: Date.now() }),
    ),
    ownBundle: (trustDomain) => readingOf(() => parseTrustBundle({ text: root.pem, file: 'bundle', trustDomain })),
    federated: new Map(),
    crls: { ok: true, value: crls(text) },
  });
  const late = Date.now() + 2 * hourMs;
  const first = firstSnapshot(reading(leaves.good, lists.root), late);
  assert.equal(first.bundles.crls.all.length, 1);
  const step = nextStep(first, reading(leaves.revoked, lists.root), late);
  assert.deepEqual([step.refused, step.next?.svid.id.path], [[], '/revoked']);
});

test('a remembered path is asked about its lists each time', () => {
  const verifier = createPeerVerifier({ cacheEntries: 10 });
  const bundle = parseTrustBundle({ text: root.pem, file: 'bundle', trustDomain: TrustDomain.parse(domain) });
  const verdictUnder = (texts: readonly string[]): string =>
    outcome(
      verifier.verify({
        leaf: new X509Certificate(leaves.below.pem),
        intermediates: [new X509Certificate(middle.pem)],
        bundles: new BundleSet([bundle], new CrlSet(crls(...texts), 'refuse')),
        revocations: RevocationList.empty,
        role: 'client',
        nowMs: Date.now(),
      }),
    );
  assert.equal(verdictUnder([]), 'accepted');
  assert.equal(verdictUnder([lists.middleGone]), 'revoked');
  assert.equal(verdictUnder([lists.root]), 'accepted');
});

test('lists that revoke less than they seem to, or cannot be relied on, are refused with their reason', () => {
  const rows: readonly (readonly [string, () => string, RegExp])[] = [
    ['a delta', () => root.crl({ extensions: ['2.5.29.27=critical,ASN1:INTEGER:1'] }), /is a delta CRL/],
    [
      'an indirect list',
      () => root.crl({ extensions: ['issuingDistributionPoint=critical,@idp', '[idp]', 'indirectCRL=TRUE'] }),
      /is an indirect CRL/,
    ],
    [
      'an unknown critical extension',
      () => root.crl({ extensions: ['1.3.6.1.4.1.32473.1=critical,ASN1:NULL'] }),
      /critical extension 1\.3\.6\.1\.4\.1\.32473\.1/,
    ],
    ['SHA-1', () => root.crl({ digest: 'sha1' }), /cannot be relied on/],
    ['half a file', () => lists.root.slice(0, 200), /cut short/],
    ['a certificate', () => root.pem, /holds no CRL/],
    ['nothing', () => '', /holds no CRL/],
    ['no base64', () => lists.root.replace(/\n[A-Z]/, '\n!'), /is not PEM/],
  ];
  for (const [what, make, message] of rows) {
    assert.throws(
      () => readCrls(make(), 'ca.crl'),
      (error) => isPosternError(error, 'ERR_CRL_INVALID') && message.test(error.message),
      what,
    );
  }
  assert.equal(
    crls(root.crl({ extensions: ['issuingDistributionPoint=critical,@idp', '[idp]', 'onlyuser=TRUE'] })).length,
    1,
  );
});

test('PEM with several lists and DER say the same', () => {
  const both = crls(`# of today\n${lists.root}\n${lists.middle}`);
  assert.deepEqual(
    both.map((one) => one.issuer),
    ['CN=root,O=Test', 'CN=middle,O=Test'],
  );
  const raw = Buffer.from(lists.root.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  assert.equal(readCrls(raw.toString('latin1'), 'x')[0]!.fingerprintSha256, both[0]!.fingerprintSha256);
  assert.equal(both[0]!.size, 1);
});

/** A list that nobody signed, of version 2 with one row, which is enough to read it. */
function crafted({ row = [] as Buffer[], outer = '300a06082a8648ce3d040302' } = {}): Buffer {
  const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
  const time = (text: string): Buffer => der(0x17, text);
  const inner = bytes('300a06082a8648ce3d040302');
  const rows = der(0x30, der(0x30, der(0x02, bytes('05')), time('260101000000Z'), ...row));
  const body = der(0x30, bytes('020101'), inner, der(0x30), time('260101000000Z'), time('300101000000Z'), rows);
  return der(0x30, body, bytes(outer), der(0x03, bytes('00aa')));
}

test('a row that says more than is understood refuses the list; one that is understood does not (RFC 5280 §5.3)', () => {
  const extension = (id: string, isCritical: boolean, value: string): Buffer =>
    der(
      0x30,
      Buffer.from(id, 'hex'),
      ...(isCritical ? [Buffer.from('0101ff', 'hex')] : []),
      der(0x04, Buffer.from(value, 'hex')),
    );
  const reason = extension('0603551d15', true, '0a0101');
  const issuer = '0603551d1d';
  assert.deepEqual(parseCrl(crafted(), 'x').rowOf('05')?.reason, 'unspecified');
  assert.deepEqual(parseCrl(crafted({ row: [der(0x30, reason)] }), 'x').rowOf('0005')?.reason, 'key_compromise');
  assert.equal(parseCrl(crafted({ row: [der(0x30, extension(issuer, false, '3000'))] }), 'x').size, 1);
  const refusedRows: readonly (readonly [Buffer, RegExp])[] = [
    [crafted({ row: [der(0x30, reason, extension(issuer, true, '3000'))] }), /critical extension 2\.5\.29\.29/],
    [crafted({ row: [der(0x30, reason), der(0x30, reason)] }), /too many fields/],
    // The algorithm outside is another one than the one that was signed.
    [crafted({ outer: '300a06082a8648ce3d040303' }), /its frame is out of form/],
  ];
  for (const [list, message] of refusedRows) assert.throws(() => parseCrl(list, 'x'), message);
});

test('the rows of a long list are read in short steps, also where they all have one serial', async () => {
  const row = (serial: number): Buffer => {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(serial);
    return der(0x30, der(0x02, octets), der(0x17, '260101000000Z'));
  };
  for (const serialOf of [(at: number) => 0x10_00_00_00 + at, () => 0x10_00_00_00]) {
    const list = readDer(der(0x30, ...Array.from({ length: 2_500 }, (_, at) => row(serialOf(at)))));
    assert.equal([...indexRows(list, 'x')].length, 2);
    let others = 0;
    const isRead = inTurns(indexRows(list, 'x'));
    setImmediate(() => {
      others += 1;
    });
    const rows = await isRead;
    assert.equal(others, 1, 'others had their turn');
    assert.equal(rows.rowOf('10000000')?.reason, 'unspecified');
    assert.equal(rows.rowOf('20000000'), null);
  }
});

test('whatever bytes come, reading ends with a list or a coded fault, and asking for a row never throws', () => {
  const raw = Buffer.from(lists.root.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  fc.assert(
    fc.property(fc.nat(raw.length - 1), fc.nat(255), fc.option(fc.nat(raw.length)), (at, byte, cut) => {
      const changed = Buffer.from(raw.subarray(0, cut ?? raw.length));
      if (at < changed.length) changed[at] = byte;
      try {
        const crl = parseCrl(changed, 'x');
        for (const serial of ['A0F2', '00', 'FF', 'A0F3']) crl.rowOf(serial);
      } catch (error) {
        assert.ok(isPosternError(error, 'ERR_CRL_INVALID'), String(error));
      }
    }),
    { numRuns: 1_500 },
  );
});
