// What a handshake may reuse, and what it may not: our own chain is put together once for each identity, and what is drawn
// from a peer is drawn once, while each peer is judged each time.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { before, describe, test } from 'node:test';
import tls from 'node:tls';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { createPeerVerifier } from '../../src/identity/peer-verification.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { parseRevocations } from '../../src/identity/revocations-file.ts';
import type { IdentitySnapshot } from '../../src/identity/source.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { LatestValue } from '../../src/lib/latest.ts';
import { PeerAdmission } from '../../src/proxy/peer-admission.ts';
import { createServerContext } from '../../src/proxy/tls-context.ts';
import { ecKeys, type Made, makeCa, makeLeaf } from '../identity/workshop.ts';
import { bundleOf } from '../identity/worlds.ts';

const id = 'spiffe://a.example/ns/payments/api';
let ca: Made;
/** Named like `ca`, with another key, as after a rotation of the authority. */
let namesake: Made;
/** The authority of a partner, named like ours. */
let partner: Made;
let middle: Made;

before(async () => {
  ca = await makeCa();
  [namesake, partner] = [await makeCa(), await makeCa()];
  middle = await makeCa({ subject: 'CN=Middle', issuer: ca });
});

function snapshotOf(chain: readonly Made[], own: readonly Made[] = [ca]): IdentitySnapshot {
  const certPem = chain.map((one) => one.pem).join('');
  const files = { certFile: 'tls.crt', keyFile: 'tls.key', nowMs: Date.now() };
  const svid = parseX509Svid({ certPem, keyPem: chain[0]!.keyPem, ...files });
  const bundles = new BundleSet([bundleOf('a.example', ...own), bundleOf('b.example', partner)]);
  return { revision: 1, svid, bundles };
}

/** A port that shakes hands with anybody, by the settings of a listener. */
async function openPort(t: { after(fn: () => void): void }, snapshot: IdentitySnapshot): Promise<number> {
  const secureContext = createServerContext(snapshot);
  const server = net.createServer((raw) => {
    const socket = new tls.TLSSocket(raw, { isServer: true, secureContext });
    socket.on('error', () => {}).once('secure', () => socket.write('in'));
    socket.resume();
  });
  t.after(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as net.AddressInfo).port;
}

async function shakeHands(t: { after(fn: () => void): void }, port: number, session?: Buffer): Promise<tls.TLSSocket> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ca: [], session });
  t.after(() => void socket.destroy());
  // In TLS 1.3 a session is offered after the handshake, and comes before the first data.
  socket.on('session', (offered) => sessions.push(offered));
  await once(socket, 'data');
  return socket;
}

const sessions: Buffer[] = [];

/** Fingerprints of what a peer is shown, leaf first. */
async function shownTo(t: { after(fn: () => void): void }, snapshot: IdentitySnapshot): Promise<string[]> {
  const socket = await shakeHands(t, await openPort(t, snapshot));
  const prints: string[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined) {
    prints.push(next.fingerprint256);
    next = next.issuerCertificate;
  }
  return prints;
}

const printsOf = (...made: Made[]) => made.map((one) => one.certificate.fingerprint256);

describe('our own chain', () => {
  test('a lone leaf is shown with the authority that signed it', async (t) => {
    const leaf = await makeLeaf({ issuer: ca, uris: [id] });
    assert.deepEqual(await shownTo(t, snapshotOf([leaf])), printsOf(leaf, ca));
  });

  test('of authorities with one name it is the one whose key signed', async (t) => {
    const leaf = await makeLeaf({ issuer: ca, uris: [id], authorityKeyId: false });
    assert.deepEqual(await shownTo(t, snapshotOf([leaf], [namesake, ca])), printsOf(leaf, ca));
  });

  test('a chain with intermediates is shown as it was given', async (t) => {
    const leaf = await makeLeaf({ issuer: middle, uris: [id] });
    assert.deepEqual(await shownTo(t, snapshotOf([leaf, middle])), printsOf(leaf, middle));
  });
});

describe('a peer that comes again', () => {
  test('cannot resume its session, which would skip the checks of its certificate', async (t) => {
    const port = await openPort(t, snapshotOf([await makeLeaf({ issuer: ca, uris: [id] })]));
    sessions.length = 0;
    await shakeHands(t, port);
    // OpenSSL hands out sessions all the same; none is of any use.
    for (const session of [...sessions]) {
      const again = await shakeHands(t, port, session);
      assert.equal(again.isSessionReused(), false);
    }
    assert.equal(sessions.length > 0, true, 'a session was tried');
  });

  test('is the same principal, drawn once, and another of the same ID is drawn anew', async () => {
    const [leaf, renewed] = [await makeLeaf({ issuer: ca, uris: [id] }), await makeLeaf({ issuer: ca, uris: [id] })];
    let draws = 0;
    const admission = new PeerAdmission({
      verifier: createPeerVerifier({ cacheEntries: 4 }),
      attributes: new LatestValue(() => ({ labels: new Map([['draw', String(++draws)]]) }), assert.ifError),
    });
    const admit = (peer: Made) =>
      admission.admit(
        { leaf: peer.certificate, intermediates: [] },
        { snapshot: snapshotOf([leaf]), revocations: RevocationList.empty, nowMs: Date.now() },
      );
    const first = admit(leaf);
    assert.equal(first.kind, 'admitted');
    assert.equal(admit(leaf), first);
    assert.equal(draws, 1);
    const other = admit(renewed);
    assert.equal(other.kind === 'admitted' && other.credential.serial, other.kind === 'admitted' && other.peer.serial);
    assert.notEqual(other, first);
    assert.equal(draws, 2);
  });

  const ends: readonly (readonly [what: string, cause: string, revoked: boolean, laterMs: number])[] = [
    ['was revoked meanwhile', 'revoked', true, 0],
    ['has expired meanwhile', 'expired', false, 2 * 3_600_000],
  ];
  for (const [what, cause, revoked, laterMs] of ends) {
    test(`is refused where it ${what}`, async () => {
      const leaf = await makeLeaf({ issuer: ca, uris: [id], keys: ecKeys() });
      const admission = new PeerAdmission({
        verifier: createPeerVerifier({ cacheEntries: 4 }),
        attributes: new LatestValue(() => ({ labels: new Map() }), assert.ifError),
      });
      const chain = { leaf: leaf.certificate, intermediates: [] };
      const moment = { snapshot: snapshotOf([leaf]), revocations: RevocationList.empty, nowMs: Date.now() };
      assert.equal(admission.admit(chain, moment).kind, 'admitted');
      const rows = `revocations:\n  - { spiffe_id: "${id}", reason: gone }\n`;
      const revocations = revoked ? new RevocationList(parseRevocations(rows, 'r.yaml')) : RevocationList.empty;
      const again = admission.admit(chain, { ...moment, revocations, nowMs: moment.nowMs + laterMs });
      assert.equal(again.kind === 'refused' && again.cause, cause);
    });
  }
});
