// Every cause of the closed list, each by a token that has that one fault and no other.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type TokenRefusalCause, tokenRefusals } from '../../src/identity/tokens/token-refusals.ts';
import type { TokenVerdict, TokenVerifier } from '../../src/identity/tokens/token-verifier.ts';
import { rsaKeys, type SigningKey, signingKey, signToken } from '../harness/token-issuer.ts';
import { goodClaims, HeldKeys, nowMs, nowS, part, revocationsOf, row, verifierOf } from './token-world.ts';

let key: SigningKey;
let other: SigningKey;
let keys: HeldKeys;
let verifier: TokenVerifier;
let world: ReturnType<typeof verifierOf>['world'];
const seen = new Set<string>();

before(async () => {
  key = await signingKey('key-1');
  other = await signingKey('key-2');
  keys = new HeldKeys([key]);
  const unreachable = new HeldKeys([]);
  unreachable.isKnown = false;
  ({ verifier, world } = verifierOf([
    [row({ require: { team: ['pay', 'ops'] }, spiffeId: 'spiffe://ci.acme.com/{project...}/{ref}' }), keys],
    [row({ issuer: 'https://plain.example' }), keys],
    [row({ issuer: 'https://silent.example' }), unreachable],
  ]));
});

const good = { ...goodClaims, team: 'pay', project: 'acme/shop', ref: 'main' };
const sign = (claims: object, header = {}): Promise<string> => signToken(key, { ...good, ...claims }, header);

interface Case {
  readonly what: string;
  readonly cause: TokenRefusalCause;
  readonly token: () => Promise<string> | string;
}

const cases: readonly Case[] = [
  { what: 'longer than 16 KiB', cause: 'token_too_large', token: () => sign({ pad: 'x'.repeat(16_384) }) },
  { what: 'opaque', cause: 'token_malformed', token: () => 'ghp_abcdefghijklmnopqrstuvwxyz' },
  { what: 'encrypted (five parts)', cause: 'token_malformed', token: () => 'e30.e30.e30.e30.e30' },
  { what: 'with a header that is a list', cause: 'token_malformed', token: () => `${part([])}.${part({})}.AAAA` },
  {
    what: 'with claims that are no JSON',
    cause: 'token_malformed',
    token: () => `${part({ alg: 'ES256' })}.${part('{')}.AAAA`,
  },
  { what: 'with claims that are no UTF-8', cause: 'token_malformed', token: () => `${part({ alg: 'ES256' })}._w.AAAA` },
  {
    what: 'with a `kid` that is a number',
    cause: 'token_malformed',
    token: () => `${part({ alg: 'ES256', kid: 1 })}.${part(good)}.AAAA`,
  },
  { what: 'with `alg: none`', cause: 'algorithm_refused', token: () => `${part({ alg: 'none' })}.${part(good)}.` },
  { what: 'with `alg: nOnE`', cause: 'algorithm_refused', token: () => `${part({ alg: 'nOnE' })}.${part(good)}.` },
  { what: 'without `alg`', cause: 'algorithm_refused', token: () => `${part({})}.${part(good)}.AAAA` },
  { what: 'with HMAC over the public key', cause: 'algorithm_refused', token: hmacOverPublicKey },
  {
    what: 'with `crit`',
    cause: 'header_refused',
    token: () => withHeader({ alg: 'ES256', kid: 'key-1', crit: ['exp'] }),
  },
  { what: 'with `b64`', cause: 'header_refused', token: () => withHeader({ alg: 'ES256', kid: 'key-1', b64: false }) },
  { what: 'of another issuer', cause: 'issuer_unknown', token: () => sign({ iss: 'https://evil.example' }) },
  {
    what: 'of an issuer with a slash too many',
    cause: 'issuer_unknown',
    token: () => sign({ iss: 'https://ci.example/' }),
  },
  { what: 'without an issuer', cause: 'issuer_unknown', token: () => sign({ iss: undefined }) },
  {
    what: 'of an issuer whose keys were never got',
    cause: 'keys_unavailable',
    token: () => sign({ iss: 'https://silent.example' }),
  },
  { what: 'with the `kid` of no key', cause: 'key_unknown', token: () => signToken({ ...key, kid: 'key-9' }, good) },
  {
    what: 'with a `kid` that leads elsewhere',
    cause: 'key_unknown',
    token: () => signToken({ ...key, kid: '../key-1' }, good),
  },
  {
    what: 'with an algorithm that is not of its key',
    cause: 'key_unknown',
    token: async () => signToken({ ...(await signingKey('key-1', 'ES384')), kid: 'key-1' }, good),
  },
  {
    what: 'signed by another key',
    cause: 'signature_invalid',
    token: () => signToken({ ...other, kid: 'key-1' }, good),
  },
  {
    what: 'with its own key in `jwk`',
    cause: 'signature_invalid',
    token: () => signToken({ ...other, kid: 'key-1' }, good, { jwk: other.jwk }),
  },
  {
    what: 'that says where its key is (`jku`)',
    cause: 'key_unknown',
    token: () => signToken({ ...other, kid: 'mine' }, good, { jku: 'https://evil.example/keys' }),
  },
  {
    what: 'without a signature',
    cause: 'signature_invalid',
    token: async () => (await sign({})).replace(/[^.]*$/, ''),
  },
  {
    what: 'with a signature of zeros (CVE-2022-21449)',
    cause: 'signature_invalid',
    token: async () => (await sign({})).replace(/[^.]*$/, 'A'.repeat(86)),
  },
  { what: 'for another audience', cause: 'audience_mismatch', token: () => sign({ aud: 'other' }) },
  { what: 'for several others', cause: 'audience_mismatch', token: () => sign({ aud: ['a', 'b'] }) },
  { what: 'for nobody', cause: 'audience_mismatch', token: () => sign({ aud: [] }) },
  { what: 'for an audience that only begins alike', cause: 'audience_mismatch', token: () => sign({ aud: 'api ' }) },
  { what: 'without `aud`', cause: 'claim_malformed', token: () => sign({ aud: undefined }) },
  { what: 'with a number among its `aud`', cause: 'claim_malformed', token: () => sign({ aud: ['api', 1] }) },
  { what: 'without `exp`', cause: 'claim_malformed', token: () => sign({ exp: undefined }) },
  { what: 'with an `exp` in words', cause: 'claim_malformed', token: () => sign({ exp: `${nowS + 300}` }) },
  { what: 'with an `exp` beyond all dates', cause: 'claim_malformed', token: () => sign({ exp: 1e15 }) },
  { what: 'with an `nbf` in words', cause: 'claim_malformed', token: () => sign({ nbf: 'now' }) },
  { what: 'with a `jti` that is a number', cause: 'claim_malformed', token: () => sign({ jti: 7 }) },
  { what: 'with an actor without a name', cause: 'claim_malformed', token: () => sign({ act: { act: { sub: 'a' } } }) },
  { what: 'with an actor that is a text', cause: 'claim_malformed', token: () => sign({ act: 'agent' }) },
  { what: 'with nine actors', cause: 'claim_malformed', token: () => sign({ act: actors(9) }) },
  { what: 'that expires now', cause: 'expired', token: () => sign({ exp: nowS }) },
  { what: 'that begins in 61 s', cause: 'not_yet_valid', token: () => sign({ nbf: nowS + 61 }) },
  { what: 'that was issued in the future', cause: 'not_yet_valid', token: () => sign({ iat: nowS + 61 }) },
  { what: 'of another team', cause: 'claim_mismatch', token: () => sign({ team: 'evil' }) },
  { what: 'of a list of teams', cause: 'claim_mismatch', token: () => sign({ team: ['pay'] }) },
  { what: 'of no team', cause: 'claim_mismatch', token: () => sign({ team: undefined }) },
  {
    what: 'with a claim of several segments where one is meant',
    cause: 'claim_unfit',
    token: () => sign({ ref: 'feature/x' }),
  },
  { what: 'with a claim that climbs', cause: 'claim_unfit', token: () => sign({ project: 'acme/../root' }) },
  { what: 'without a claim of its ID', cause: 'claim_unfit', token: () => sign({ ref: undefined }) },
  { what: 'without `sub`', cause: 'subject_invalid', token: () => sign({ sub: undefined }) },
  { what: 'with an empty `sub`', cause: 'subject_invalid', token: () => sign({ sub: '' }) },
  { what: 'with a line break in `sub`', cause: 'subject_invalid', token: () => sign({ sub: 'a\r\nx-admin: 1' }) },
  {
    what: 'whose `sub` is written as a SPIFFE ID',
    cause: 'subject_invalid',
    token: () => sign({ iss: 'https://plain.example', sub: 'spiffe://prod.acme.com/admin' }),
  },
  {
    what: 'whose `sub` is `anonymous`',
    cause: 'subject_invalid',
    token: () => sign({ iss: 'https://plain.example', sub: 'anonymous' }),
  },
];

function actors(count: number): object {
  return count === 1 ? { sub: 'agent' } : { sub: 'agent', act: actors(count - 1) };
}

function withHeader(header: object): string {
  return `${part(header)}.${part(good)}.AAAA`;
}

function hmacOverPublicKey(): string {
  const signed = `${part({ alg: 'HS256', kid: 'key-1' })}.${part(good)}`;
  return `${signed}.${createHmac('sha256', JSON.stringify(key.jwk)).update(signed).digest('base64url')}`;
}

async function verdictOf(token: string): Promise<TokenVerdict> {
  return verifier.known(token) ?? (await verifier.verify(token));
}

function causeOf(verdict: TokenVerdict): string {
  return verdict.ok ? 'accepted' : verdict.cause;
}

describe('refused: a token', () => {
  for (const { what, cause, token } of cases) {
    test(what, async () => {
      const text = await token();
      const verdict = await verdictOf(text);
      assert.equal(causeOf(verdict), cause);
      seen.add(cause);
      assert.ok(!verdict.ok);
      const told = `${verdict.detail} ${verdict.shown}`;
      for (const piece of text.split('.')) assert.ok(piece.length < 8 || !told.includes(piece), 'it tells the token');
      assert.doesNotMatch(told, /[\r\n]/);
    });
  }

  test('that is ambiguous: two keys fit, and it names none', async () => {
    const two = new HeldKeys([key, other]);
    const { verifier: ambiguous } = verifierOf([[row(), two]]);
    const token = await signToken(key, goodClaims, { kid: undefined });
    assert.equal(causeOf(await ambiguous.verify(token)), 'key_ambiguous');
    seen.add('key_ambiguous');
    two.current = new HeldKeys([key]).current;
    assert.equal(causeOf(await ambiguous.verify(token)), 'accepted');
  });

  test('that is revoked, by its id or by the identity that it names, also where it was accepted before', async () => {
    const token = await sign({});
    assert.equal(causeOf(await verdictOf(token)), 'accepted');
    for (const named of ['jti: id-1', 'spiffe_id: "spiffe://ci.acme.com/acme/**"']) {
      world.revocations = revocationsOf(`  - { ${named}, reason: leaked }\n`);
      const verdict = await verdictOf(token);
      assert.equal(causeOf(verdict), 'token_revoked');
      assert.match(verdict.ok ? '' : verdict.detail, /leaked/);
    }
    seen.add('token_revoked');
    world.revocations = revocationsOf('  - { jti: another, reason: x }\n');
    assert.equal(causeOf(await verdictOf(token)), 'accepted');
  });
});

test('a token of an accepted kind is nobody else: ID, attributes, actors, ends', async () => {
  const set = { namespace: '{team}', environment: 'prod', 'labels.ref': 'r-{ref}', attestation: '{missing}' };
  const { verifier: rich } = verifierOf([[row({ spiffeId: 'spiffe://ci.acme.com/x/{project...}', set }), keys]]);
  const verdict = await rich.verify(await sign({ act: actors(8), aud: ['z', 'api'] }));
  assert.ok(verdict.ok);
  const { identity } = verdict;
  assert.equal(identity.spiffeId?.toString(), 'spiffe://ci.acme.com/x/acme/shop');
  const { namespace, environment, attestation, labels } = identity.attributes;
  assert.deepEqual([namespace, environment, attestation, [...labels]], ['pay', 'prod', undefined, [['ref', 'r-main']]]);
  assert.equal(identity.actors.length, 8);
  assert.equal(identity.expiresMs, nowMs + 300_000);
  assert.equal(identity.claims.get('team'), 'pay');
});

test('an accepted token is verified once, and ends with its time and with its key', async () => {
  const token = await sign({ jti: 'once' });
  const [first, second] = await Promise.all([verifier.verify(token), verifier.verify(token)]);
  assert.equal(first, second, 'two requests at once share one verification');
  assert.equal(verifier.known(token), first);
  const before_ = keys.current;
  keys.current = new HeldKeys([other]).current;
  assert.equal(causeOf(verifier.known(token)!), 'key_unknown');
  assert.equal(verifier.known(token), null, 'it is forgotten');
  keys.current = before_;
  assert.ok((await verifier.verify(token)).ok);
  world.nowMs = nowMs + 300_000;
  assert.equal(causeOf(verifier.known(token)!), 'expired');
  world.nowMs = nowMs;
});

test('a signature in another spelling of base64url, and a key bound to another algorithm, do not count', async () => {
  const token = await sign({});
  // Of the last of 86 characters four bits mean nothing: A, Q, g and w are the canonical ones.
  const respelt = token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1);
  assert.equal(causeOf(await verdictOf(respelt)), 'token_malformed');
  const [bound] = rsaKeys(['RS256']);
  const { verifier: one } = verifierOf([[row(), new HeldKeys([bound!])]]);
  assert.equal(causeOf(await one.verify(await signToken({ ...bound!, alg: 'PS256' }, goodClaims))), 'key_unknown');
  assert.equal(causeOf(await one.verify(await signToken(bound!, goodClaims))), 'accepted');
});

test('a key that is not there yet is looked for, and the token waits for it', async () => {
  const source = new HeldKeys([key]);
  const { verifier: rotating } = verifierOf([[row(), source]]);
  source.onLookAgain = async () => {
    source.current = new HeldKeys([key, other]).current;
  };
  assert.ok((await rotating.verify(await signToken(other, goodClaims))).ok);
  assert.equal(source.lookedAgain, 1);
});

test('no key is looked for on behalf of a token that is refused anyway', async () => {
  const source = new HeldKeys([key]);
  const { verifier: strict } = verifierOf([[row(), source]]);
  for (const claims of [{ exp: nowS }, { aud: 'other' }]) {
    await strict.verify(await signToken(other, { ...goodClaims, ...claims }));
  }
  assert.equal(source.lookedAgain, 0);
});

after(() => {
  const elsewhere = ['token_missing', 'token_repeated'];
  const missing = Object.keys(tokenRefusals).filter((cause) => !seen.has(cause) && !elsewhere.includes(cause));
  assert.deepEqual(missing, [], 'every cause of the list has a case');
});
