// Whatever is changed of a token, wherever: it is refused with a cause of the list, and nothing else escapes. And a SPIFFE ID
// made of claims is the one that its template and these claims say, whatever strangers wrote into them.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { actorsOf } from '../../src/identity/tokens/actor-chain.ts';
import { compileIdTemplate } from '../../src/identity/tokens/claim-template.ts';
import { tokenRefusals } from '../../src/identity/tokens/token-refusals.ts';
import type { TokenVerifier } from '../../src/identity/tokens/token-verifier.ts';
import { readKeySet } from '../../src/identity/tokens/verification-keys.ts';
import { type SigningKey, signingKey, signToken } from '../harness/token-issuer.ts';
import { goodClaims, HeldKeys, row, verifierOf } from './token-world.ts';

let token: string;
let verifier: TokenVerifier;
let key: SigningKey;

before(async () => {
  key = await signingKey('key-1');
  token = await signToken(key, goodClaims);
  const spiffeId = 'spiffe://ci.acme.com/{sub}';
  ({ verifier } = verifierOf([
    [row(), new HeldKeys([key])],
    [row({ issuer: 'https://b.example', spiffeId }), new HeldKeys([key])],
  ]));
});

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';

/** One change of a text: a character replaced, taken out or put in, two swapped, a piece doubled, the rest cut off. */
const change = fc.record({
  kind: fc.constantFrom('replace', 'remove', 'insert', 'swap', 'double', 'cut'),
  at: fc.nat(),
  character: fc.constantFrom(...base64url),
});

function changed(text: string, { kind, at, character }: { kind: string; at: number; character: string }): string {
  const place = at % text.length;
  const [head, tail] = [text.slice(0, place), text.slice(place)];
  if (kind === 'replace') return head + character + tail.slice(1);
  if (kind === 'remove') return head + tail.slice(1);
  if (kind === 'insert') return head + character + tail;
  if (kind === 'swap') return head + tail.slice(1, 2) + tail.slice(0, 1) + tail.slice(2);
  return kind === 'double' ? head + tail + tail : head;
}

test('a token that was changed in one to three places is refused', async () => {
  assert.ok((await verifier.verify(token)).ok, 'as it was signed it is accepted');
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const other = changes.reduce(changed, token);
      fc.pre(other !== token);
      const verdict = verifier.known(other) ?? (await verifier.verify(other));
      assert.ok(!verdict.ok && verdict.cause in tokenRefusals);
    }),
    { numRuns: 400 },
  );
});

test('any claims and headers give a verdict, and only those that were signed are accepted', async () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const names = fc.constantFrom(
    'iss',
    'sub',
    'aud',
    'exp',
    'nbf',
    'iat',
    'jti',
    'act',
    '__proto__',
    'constructor',
    'x',
  );
  const claims = fc.dictionary(names, json, { maxKeys: 4 });
  await fc.assert(
    fc.asyncProperty(
      claims,
      fc.dictionary(fc.constantFrom('typ', 'kid', 'crit', 'jwk'), json),
      async (more, header) => {
        const said = { ...goodClaims, ...more };
        const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
        const [, , signature] = token.split('.');
        const forged = `${encode({ alg: 'ES256', kid: 'key-1', ...header })}.${encode(said)}.${signature}`;
        fc.pre(forged !== token);
        assert.equal((await verifier.verify(forged)).ok, false);
        // Signed by the issuer, whatever it says: a verdict, never a fault.
        const verdict = await verifier.verify(await signToken(key, said));
        assert.ok(verdict.ok ? verdict.identity.subject === said.sub : verdict.cause in tokenRefusals);
      },
    ),
    { numRuns: 150 },
  );
});

test('an ID made of claims has the trust domain and the fixed segments of its template, and the claim as it is', () => {
  const template = compileIdTemplate('spiffe://ci.acme.com/github/{repository...}/x-{ref}');
  const hostile = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('a', '.', '/', '%', '-', '@', ' ', '\n', 'ä', '{', '}', ':') }),
    fc.jsonValue({ maxDepth: 1 }),
  );
  fc.assert(
    fc.property(hostile, hostile, (repository, ref) => {
      const id = template.fill({ repository, ref });
      if ('unfit' in id) return;
      assert.equal(id.toString(), `spiffe://ci.acme.com/github/${repository}/x-${ref}`);
      assert.equal(id.trustDomain.name, 'ci.acme.com');
      assert.ok(id.path.startsWith('/github/') && id.path.split('/').every((one) => one !== '.' && one !== '..'));
    }),
    { numRuns: 2_000 },
  );
});

test('documents of keys and chains of actors never escape with a fault', () => {
  fc.assert(fc.property(fc.json(), (text) => void readKeySet(text, 'sig')));
  fc.assert(fc.property(fc.jsonValue(), (act) => void actorsOf({ act })));
});
