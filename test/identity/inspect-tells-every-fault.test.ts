// What `postern identity inspect` says: all faults at once, with the mend of each, and the same verdict as a handshake.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { defaultAttributes } from '../../src/identity/attributes.ts';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { describeIdentity } from '../../src/identity/identity-view.ts';
import { type InspectInput, inspectCertificates } from '../../src/identity/inspect.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { der } from './certificate-encoder.ts';
import { hourMs, type Made, makeCa, makeLeaf, rsaKeys } from './workshop.ts';
import { bundleOf } from './worlds.ts';

const id = 'spiffe://a.example/ns/payments/api';
let ca: Made;
let leaf: Made;

before(async () => {
  ca = await makeCa();
  leaf = await makeLeaf({ issuer: ca, uris: [id], dns: ['localhost'] });
});

function inspect(text: string, more: Partial<InspectInput> = {}): ReturnType<typeof inspectCertificates> {
  return inspectCertificates({
    text,
    file: 'x.crt',
    bundles: null,
    revocations: RevocationList.empty,
    roles: ['client', 'server'],
    nowMs: Date.now(),
    ...more,
  });
}

test('a right certificate is accepted, without findings', () => {
  const { accepted, findings, spiffe_id, certificates } = inspect(leaf.pem, {
    bundles: new BundleSet([bundleOf('a.example', ca)]),
  });
  assert.deepEqual({ accepted, findings, spiffe_id }, { accepted: true, findings: [], spiffe_id: id });
  assert.deepEqual(certificates[0]?.names, [`uri:${id}`, 'dns:localhost']);
});

test('every fault is told at once, each with its mend', async () => {
  const bad = await makeLeaf({ issuer: ca, uris: [], isCa: true, keyUsage: null, keys: rsaKeys(1024) });
  const { accepted, findings } = inspect(bad.pem);
  assert.equal(accepted, false);
  assert.deepEqual(
    findings.map((one) => one.cause),
    ['uri_san_count', 'leaf_is_ca', 'key_usage_missing', 'key_weak'],
  );
  assert.ok(findings.every((one) => one.mend !== ''));
});

test('with bundles the issuer is judged too, by the rules of a handshake', async () => {
  const stranger = bundleOf('a.example', await makeCa({ subject: 'CN=Stranger' }));
  assert.deepEqual(
    inspect(leaf.pem, { bundles: new BundleSet([stranger]) }).findings.map((one) => one.cause),
    ['authority_unknown'],
  );
  assert.deepEqual(
    inspect(leaf.pem, { bundles: new BundleSet([]) }).findings.map((one) => one.cause),
    ['trust_domain_unknown'],
  );
});

test('what works today but will not for long, or not everywhere, is a warning and no refusal', async () => {
  const soon = await makeLeaf({
    issuer: ca,
    uris: [id],
    purposes: null,
    notBeforeMs: Date.now() - 10 * hourMs,
    notAfterMs: Date.now() + 60_000,
  });
  const { accepted, findings } = inspect(soon.pem + (await makeCa({ subject: 'CN=Other' })).pem);
  assert.equal(accepted, true);
  assert.deepEqual(
    findings.map((one) => one.cause),
    ['chain_order', 'no_extended_key_usage', 'expires_soon'],
  );
});

test('hostile names are shown on one line', async () => {
  const hostile = await makeLeaf({ issuer: ca, sanDer: der(0x30, der(0x86, `${id}\r\n\x1b]0;x\x07`)) });
  const inspection = inspect(hostile.pem);
  assert.equal(inspection.accepted, false);
  assert.match(JSON.stringify(inspection).replaceAll('\\\\', ''), /^[\x20-\x7e]*$/);
});

test('what is no certificate is an error that names the file', () => {
  assert.throws(() => inspect('rubbish'), { code: 'ERR_SVID_CERTIFICATE', message: '`x.crt` is not PEM' });
});

test('the view of an identity says who vouches for whom, and holds no key', async () => {
  const svid = parseX509Svid({
    certPem: leaf.pem,
    keyPem: leaf.keyPem,
    certFile: 'c',
    keyFile: 'k',
    nowMs: Date.now(),
  });
  const bundles = new BundleSet([bundleOf('a.example', ca), bundleOf('b.example', ca)]);
  const view = describeIdentity(
    {
      snapshot: { revision: 3, svid, bundles },
      status: { source: 'files', endpoint: null, nextRotationMs: null, lastUpdateMs: 0, streams: [], fault: null },
      jwtBundles: new Map(),
      attributes: defaultAttributes(svid.id),
    },
    Date.now(),
  );
  assert.equal(view.spiffe_id, id);
  assert.deepEqual(
    view.bundles.map((one) => [one.trust_domain, one.own, one.authorities[0]?.shared_with]),
    [
      ['a.example', true, ['b.example']],
      ['b.example', false, ['a.example']],
    ],
  );
  assert.ok(!JSON.stringify(view).includes('PRIVATE'));
});
