// Clocks differ: a certificate that begins within a minute is taken in a real handshake too, though OpenSSL grants no skew
// (wire.md, TLS). What OpenSSL's word would have hidden is refused by the second step.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type Made, makeCa, makeLeaf, purpose, type Spec, uriConstraints } from '../identity/workshop.ts';
import { bundleOf, judge, outcome } from '../identity/worlds.ts';
import { shakeHands } from '../referees/limbo-handshake.ts';

const id = 'spiffe://a.example/ns/payments/api';
let ca: Made;

before(async () => {
  ca = await makeCa();
});

/** What becomes of a client in a handshake, and then by the second step. */
async function outcomeOf(spec: Spec, trusted = ca): Promise<string> {
  const leaf = await makeLeaf({ issuer: ca, uris: [id], ...spec });
  const { verdict, chain } = await shakeHands(
    { trusted: [trusted], via: [], leaf },
    await makeLeaf({ issuer: ca, uris: [id] }),
  );
  if (verdict !== 'accepted' || chain === null) return `OpenSSL: ${verdict}`;
  const shown = { ...leaf, certificate: chain.leaf };
  return outcome(judge(shown, [bundleOf('a.example', trusted)], { via: chain.intermediates }));
}

const ahead = (ms: number): Spec => ({ notBeforeMs: Date.now() + ms });

test('a certificate that begins in half a minute is taken, one that begins in ten minutes is not', async () => {
  assert.equal(await outcomeOf(ahead(30_000)), 'accepted');
  assert.equal(await outcomeOf(ahead(600_000)), 'not_yet_valid');
});

test('a certificate that begins in half a minute is judged by every other rule, by OpenSSL or by the second step', async () => {
  const stranger = await makeCa();
  assert.match(await outcomeOf(ahead(30_000), stranger), /^(authority_unknown|OpenSSL: .+)$/);
  const bound = await makeCa({ extensions: [uriConstraints(['b.example'])] });
  assert.match(
    await outcomeOf({ ...ahead(30_000), issuer: bound }, bound),
    /^(name_constraint|OpenSSL: permitted subtree violation)$/,
  );
  const server = { ...ahead(30_000), purposes: [purpose.serverAuth] };
  assert.equal(await outcomeOf(server), 'extended_key_usage');
});
