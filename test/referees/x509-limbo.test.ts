// Referee: C2SP x509-limbo. Each case that fits a TLS client is made anew, shown in a real handshake and put to the second
// step; where the outcome is not what limbo expects, the row of the table says why, and a row says so nowhere else.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Made, makeCa, makeLeaf } from '../identity/workshop.ts';
import { bundleOf, judge, outcome } from '../identity/worlds.ts';
import { type LimboCase, limboCases } from './limbo-cases.ts';
import type { Build } from './limbo-chain.ts';
import { crlChains } from './limbo-crl-chains.ts';
import { shakeHands } from './limbo-handshake.ts';
import { nameChains } from './limbo-name-chains.ts';
import { pathChains } from './limbo-path-chains.ts';

const nameConstraints = 'rfc5280::nc::';
const builds: ReadonlyMap<string, Build> = new Map([
  ...Object.entries(pathChains),
  ...Object.entries(crlChains),
  ...Object.entries(nameChains).map(([name, build]) => [`${nameConstraints}${name}`, build] as const),
]);
let own: Made;

before(async () => {
  own = await makeLeaf({ issuer: await makeCa(), uris: ['spiffe://own.example/server'] });
});

for (const row of limboCases) {
  test(`x509-limbo ${row.id}: ${row.limbo}; OpenSSL: ${row.openssl ?? 'not asked'}; Postern: ${row.postern}`, async () => {
    const chain = await builds.get(row.id)!();
    const bundles = [bundleOf('a.example', ...chain.trusted)];
    const { via, nowMs = Date.now(), crls = [] } = chain;
    assert.equal(outcome(judge(chain.leaf, bundles, { via, nowMs, crls })), row.postern);
    if (row.openssl === null) return;
    const { verdict, chain: shown } = await shakeHands(chain, own);
    assert.equal(verdict, row.openssl);
    if (verdict !== 'accepted' || shown === null) return;
    // What OpenSSL hands on of the chain leads to the same verdict as what was sent.
    const asShown = { ...chain.leaf, certificate: shown.leaf };
    assert.equal(outcome(judge(asShown, bundles, { via: shown.intermediates })), row.postern);
  });
}

test('x509-limbo: every chain has a row, and each row its chain', () => {
  assert.deepEqual([...builds.keys()].sort(), limboCases.map((row) => row.id).sort());
});

test('x509-limbo: a row has a judgement where an outcome is not what limbo expects, and nowhere else', () => {
  for (const row of limboCases) assert.equal(row.judgement !== null, isUnexpected(row), row.id);
});

function isUnexpected({ limbo, openssl, postern }: LimboCase): boolean {
  const isValid = limbo === 'valid';
  const [opensslTakes, posternTakes] = [openssl === null || openssl === 'accepted', postern === 'accepted'];
  const isOpensslOff = openssl !== null && opensslTakes !== isValid;
  return isOpensslOff || (opensslTakes && posternTakes) !== isValid;
}
