// Referee: go-spiffe v2.8.1. Its cases run against Postern, which agrees but where the row of the table judges otherwise.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { parseTrustBundle } from '../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { ecKeys, type KeyPair, type Made, makeCa, makeLeaf, type Spec, usage } from '../identity/workshop.ts';
import { bundleOf, judge, outcome } from '../identity/worlds.ts';
import * as facts from './go-spiffe-cases.ts';

const id = 'spiffe://domain1.test/workload';
let ca: Made;
let otherCa: Made;

before(async () => {
  ca = await makeCa({ subject: 'CN=CA', uris: ['spiffe://domain1.test'] });
  otherCa = await makeCa({ subject: 'CN=Other CA', uris: ['spiffe://domain2.test'] });
});

/** Both verdicts, which differ only where the row says why. */
function agree(isTaken: boolean, row: { isTaken: boolean; differs?: string }, what: string): void {
  assert.equal(isTaken, row.differs === undefined ? row.isTaken : !row.isTaken, what);
}

/** What `parse` gives, or null where it refuses with a code. */
function taken<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    assert.ok(isPosternError(error), String(error));
    return null;
  }
}

test('go-spiffe, package spiffeid: every character of a trust domain and of a path segment', () => {
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    if (character === '/') continue;
    const inDomain = taken(() => SpiffeId.parse(`spiffe://trustdomain${character}/path`)) !== null;
    assert.equal(inDomain, facts.trustDomainCharacters.includes(character), `trust domain, code ${code}`);
    const inPath = taken(() => SpiffeId.parse(`spiffe://trustdomain/path${character}`)) !== null;
    assert.equal(inPath, facts.segmentCharacters.includes(character), `path, code ${code}`);
    const asName = taken(() => TrustDomain.parse(`trustdomain${character}`)) !== null;
    assert.equal(asName, facts.trustDomainCharacters.includes(character), `name, code ${code}`);
  }
});

test('go-spiffe, package spiffeid: IDs', () => {
  for (const row of facts.spiffeIds) {
    const parsed = taken(() => SpiffeId.parse(row.text));
    agree(parsed !== null, row, row.text);
    if (parsed !== null) assert.deepEqual([String(parsed), parsed.path], [row.text, row.path]);
  }
});

test('go-spiffe, package spiffeid: paths of segments', () => {
  for (const row of facts.segmentLists) {
    const text = ['spiffe://trustdomain', ...row.segments].join('/');
    agree(taken(() => SpiffeId.parse(text)) !== null, row, text);
  }
});

test('go-spiffe, package spiffeid: names of trust domains', () => {
  for (const row of facts.trustDomains) agree(taken(() => TrustDomain.parse(row.text)) !== null, row, row.text);
});

const leafDefects: Partial<Record<facts.SvidDefect, Spec>> = {
  'no URI SAN': { uris: [] },
  'URI SAN twice': { uris: [id, id] },
  'scheme sparfe': { uris: ['sparfe://domain1.test/workload'] },
  'leaf is CA': { isCa: true },
  'leaf keyCertSign': { keyUsage: usage.digitalSignature | usage.keyCertSign },
  'leaf cRLSign': { keyUsage: usage.digitalSignature | usage.cRLSign },
  'leaf without digitalSignature': { keyUsage: usage.keyEncipherment },
};

const intermediateDefects: Partial<Record<facts.SvidDefect, Spec>> = {
  'intermediate without CA flag': { isCa: false },
  'intermediate without keyCertSign': { keyUsage: usage.cRLSign },
};

function leafOf(issuer: Made, defect: facts.SvidDefect, keys?: KeyPair): Promise<Made> {
  const spec = { issuer, uris: [id], ...leafDefects[defect] };
  return makeLeaf(keys === undefined ? spec : { ...spec, keys });
}

function bundlesOf(kind: facts.PeerCase['bundle']) {
  if (kind === 'own') return [bundleOf('domain1.test', ca)];
  if (kind === 'without authorities') return [bundleOf('domain1.test')];
  if (kind === 'of the other domain') return [bundleOf('domain2.test', otherCa)];
  return kind === 'none' ? [] : [bundleOf('domain1.test', otherCa)];
}

/** False where it is not even read. */
function isReadable(made: Made, defect: facts.SvidDefect): boolean {
  if (defect !== 'DER broken') return true;
  const raw = Buffer.from(made.certificate.raw);
  raw[0] = 0x27;
  try {
    return new X509Certificate(raw).raw.length > 0;
  } catch {
    return false;
  }
}

for (const row of facts.peers) {
  test(`go-spiffe, package x509svid: a peer, ${row.what}`, async () => {
    const leaf = await leafOf(ca, row.defect);
    const nowMs = row.isOver === true ? Date.parse(leaf.certificate.validTo) + 1000 : Date.now();
    const isTaken =
      isReadable(leaf, row.defect) && outcome(judge(leaf, bundlesOf(row.bundle), { nowMs })) === 'accepted';
    agree(isTaken, row, row.what);
  });
}

for (const row of facts.ownSvids) {
  test(`go-spiffe, package x509svid: certificate and key, ${row.what}`, async () => {
    const middle = await makeCa({ subject: 'CN=Middle', issuer: ca, ...intermediateDefects[row.defect] });
    const leaf = await leafOf(row.certificate === 'leaf, intermediate' ? middle : ca, row.defect);
    const otherKey = ecKeys().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const texts: Record<facts.FileContent, string> = {
      leaf: leaf.pem,
      'leaf, intermediate': leaf.pem + middle.pem,
      key: leaf.keyPem,
      'other key': otherKey,
      'leaf, key': leaf.pem + leaf.keyPem,
      'key, leaf': leaf.keyPem + leaf.pem,
      'no PEM': 'not PEM',
      'broken leaf': leaf.pem.replace(/\n[^\n]{4}/, '\nAAAA'),
      'broken key': leaf.keyPem.replace(/\n[^\n]{4}/, '\nAAAA'),
    };
    const [certPem, keyPem] = [texts[row.certificate], texts[row.key]];
    const svid = taken(() => parseX509Svid({ certPem, keyPem, certFile: 'cert', keyFile: 'key', nowMs: Date.now() }));
    agree(svid !== null, { ...row, isTaken: row.certificates > 0 }, row.what);
    if (svid !== null) assert.equal(svid.certificates.length, row.certificates);
  });
}

test('go-spiffe, package spiffebundle: documents', () => {
  const [x5c, trustDomain] = [[ca, otherCa].map((made) => made.certificate.raw.toString('base64')), 'domain1.test'];
  for (const row of facts.spiffeBundles) {
    const keys = row.keys?.map(({ use, certificates, hasKid }) => ({
      kty: 'EC',
      use,
      ...(certificates > 0 ? { x5c: x5c.slice(0, certificates) } : {}),
      ...(hasKid ? { kid: 'key-1' } : {}),
    }));
    const text = JSON.stringify({ keys, spiffe_refresh_hint: row.refreshHintS });
    const bundle = taken(() => parseTrustBundle({ text, file: 'f', trustDomain: TrustDomain.parse(trustDomain) }));
    agree(bundle !== null, row, row.what);
    if (bundle === null) continue;
    assert.equal(bundle.refreshHintMs, row.refreshHintS === undefined ? null : row.refreshHintS * 1000);
    assert.equal(bundle.authorities.length, 1, row.what);
  }
});

test('go-spiffe, package x509bundle: PEM', () => {
  const texts: Record<facts.PemBundleCase['content'], string> = {
    'two certificates': ca.pem + otherCa.pem,
    'one certificate': ca.pem,
    nothing: '',
    'no PEM': 'not PEM',
    'broken certificate': ca.pem.replace(/\n[^\n]{4}/, '\nAAAA'),
  };
  for (const row of facts.pemBundles) {
    const input = { text: texts[row.content], file: 'f', trustDomain: TrustDomain.parse('domain1.test') };
    const bundle = taken(() => parseTrustBundle(input));
    agree(bundle !== null, row, row.what);
    if (bundle !== null) assert.equal(bundle.authorities.length, row.authorities);
  }
});
