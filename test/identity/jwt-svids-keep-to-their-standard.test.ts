// JWT-SVID, rule by rule; each test names its section. https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { compileAttributeRules } from '../../src/identity/attributes.ts';
import { noJwtBundles, readJwtBundle } from '../../src/identity/jwt-bundle.ts';
import { bundleKeys } from '../../src/identity/tokens/key-source.ts';
import { identityOfToken } from '../../src/identity/tokens/token-identity.ts';
import { compileTokenIssuer, svidAlgorithms } from '../../src/identity/tokens/token-issuer.ts';
import type { TokenVerdict, TokenVerifier } from '../../src/identity/tokens/token-verifier.ts';
import { readKeySet } from '../../src/identity/tokens/verification-keys.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { rsaKeys, type SigningKey, signingKey, signToken } from '../harness/token-issuer.ts';
import { HeldKeys, nowMs, nowS, part, row, verifierOf } from './token-world.ts';

const subject = 'spiffe://prod.acme.com/ns/payments/api';
const audience = 'spiffe://prod.acme.com/ns/ledger/api';
const claims = { sub: subject, aud: [audience], exp: nowS + 300 };
const svidRow = row({ profile: 'jwt_svid', issuer: 'prod.acme.com', audience: [audience], algorithms: svidAlgorithms });
let key: SigningKey;
let verifier: TokenVerifier;

before(async () => {
  key = await signingKey('authority-1');
  ({ verifier } = verifierOf([[svidRow, new HeldKeys([key], 'jwt-svid')]]));
});

const verdictOn = async (changed: object, header: object = {}): Promise<TokenVerdict> =>
  verifier.verify(await signToken(key, { ...claims, ...changed }, { ...header }));

async function cause(changed: object, header: object = {}): Promise<string> {
  const verdict = await verdictOn(changed, header);
  return verdict.ok ? 'accepted' : verdict.cause;
}

describe('§2 no header but `alg`, `kid` and `typ`', () => {
  for (const header of [
    { x5u: 'https://evil.example' },
    { jku: 'https://evil.example' },
    { cty: 'JWT' },
    { private: 1 },
  ]) {
    test(`refused with ${Object.keys(header)}`, async () => assert.equal(await cause({}, header), 'header_refused'));
  }
});

describe('§2.1 `alg` is RSA or ECDSA with SHA-2', () => {
  const rsas = rsaKeys(svidAlgorithms.filter((name) => !name.startsWith('ES')));
  for (const algorithm of svidAlgorithms) {
    test(`${algorithm} is taken`, async () => {
      const rsa = rsas.find(({ alg }) => alg === algorithm);
      const own = rsa ?? (await signingKey('k', algorithm));
      const { verifier: one } = verifierOf([[svidRow, new HeldKeys([own], 'jwt-svid')]]);
      assert.ok((await one.verify(await signToken(own, claims))).ok);
    });
  }
  for (const algorithm of ['none', 'HS256', 'EdDSA', 'ES256K', 'es256', 'RSA-OAEP']) {
    test(`${algorithm} is refused before anything else is looked at`, async () => {
      const verdict = await verifier.verify(`${part({ alg: algorithm, kid: 'authority-1' })}.${part(claims)}.AAAA`);
      assert.equal(verdict.ok ? 'accepted' : verdict.cause, 'algorithm_refused');
    });
  }
});

test('§2.2 `kid` is optional where one key fits', async () =>
  assert.equal(await cause({}, { kid: undefined }), 'accepted'));

describe('§2.3 `typ` is optional, `JWT` or `JOSE`', () => {
  for (const typ of [undefined, 'JWT', 'JOSE']) {
    test(`${typ} is taken`, async () => assert.equal(await cause({}, { typ }), 'accepted'));
  }
  for (const typ of ['jwt', 'at+jwt', '', 1]) {
    test(`${typ} is refused`, async () => assert.equal(await cause({}, { typ }), 'header_refused'));
  }
});

describe('§3.1 `sub` is the SPIFFE ID of the workload', () => {
  const wrong = {
    'of the trust domain alone': 'spiffe://prod.acme.com',
    'with an upper-case trust domain': 'spiffe://PROD.acme.com/ns/payments/api',
    'with a dot segment': 'spiffe://prod.acme.com/ns/../admin',
    'with a query': 'spiffe://prod.acme.com/ns/payments?x=1',
    'with a slash at its end': 'spiffe://prod.acme.com/ns/',
  };
  for (const [what, sub] of Object.entries(wrong)) {
    test(`refused ${what}`, async () => assert.match(await cause({ sub }), /^(subject_invalid|issuer_unknown)$/));
  }
  test('the ID is who calls', async () => {
    const verdict = await verdictOn({});
    assert.ok(verdict.ok && verdict.identity.isSvid);
    assert.equal(verdict.identity.spiffeId?.toString(), subject);
    assert.equal(verdict.identity.attributes.namespace, 'payments');
  });
  test('whatever row it was taken for, the trust domain is that of the keys', () => {
    const issuer = compileTokenIssuer(svidRow);
    const found = identityOfToken({ ...claims, sub: 'spiffe://partner.example/x' }, issuer, compileAttributeRules([]));
    assert.equal('cause' in found && found.cause, 'subject_invalid');
  });
  test('one of another trust domain is refused, though these keys signed it', async () => {
    assert.equal(await cause({ sub: 'spiffe://partner.example/x' }), 'issuer_unknown');
    assert.equal(await cause({ sub: 'spiffe://partner.example/x', iss: 'prod.acme.com' }), 'issuer_unknown');
  });
});

describe('§3.2 `aud` must be there and hold what this service identifies with', () => {
  for (const [aud, expected] of [
    [undefined, 'claim_malformed'],
    [[], 'audience_mismatch'],
    [['other'], 'audience_mismatch'],
    [`${audience}/`, 'audience_mismatch'],
    [audience, 'accepted'],
    [['other', audience], 'accepted'],
  ] as const) {
    test(`${JSON.stringify(aud)}: ${expected}`, async () => assert.equal(await cause({ aud }), expected));
  }
});

describe('§3.3 `exp` must be there and lie ahead', () => {
  test('none: refused', async () => assert.equal(await cause({ exp: undefined }), 'claim_malformed'));
  test('past: refused', async () => assert.equal(await cause({ exp: nowS - 1 }), 'expired'));
});

describe('§4 the signature is checked with the JWT authorities of the trust domain', () => {
  test('another key with the same `kid` is refused', async () => {
    const other = await signingKey('authority-1');
    const verdict = await verifier.verify(await signToken(other, claims));
    assert.equal(verdict.ok ? 'accepted' : verdict.cause, 'signature_invalid');
  });
  test('keys of a bundle count only with `use: jwt-svid` (Trust Domain and Bundle §4.2.2)', () => {
    const jwk = { ...key.jwk, use: 'sig' };
    assert.equal(readKeySet(JSON.stringify({ keys: [jwk] }), 'jwt-svid'), null);
  });
  test('bundles of the agent are followed as they change', async () => {
    const bundleOf = (jwk: object) => {
      const text = JSON.stringify({ keys: [{ ...jwk, use: 'jwt-svid' }] });
      return new Map([['prod.acme.com', readJwtBundle(text, TrustDomain.parse('prod.acme.com'))!]]);
    };
    const bundles = { ...noJwtBundles, current: new Map() as ReturnType<typeof bundleOf> };
    const { verifier: pushed } = verifierOf([[svidRow, bundleKeys(bundles, 'prod.acme.com', () => nowMs)]]);
    const token = await signToken(key, claims);
    const before_ = await pushed.verify(token);
    assert.equal(before_.ok ? 'accepted' : before_.cause, 'keys_unavailable');
    bundles.current = bundleOf(key.jwk);
    const verdict = await pushed.verify(token);
    assert.ok(verdict.ok);
    bundles.current = bundleOf((await signingKey('authority-2')).jwk);
    assert.equal(pushed.endOf(verdict)?.cause, 'key_unknown');
  });
});

test('§5.1 only the compact serialization is taken', async () => {
  const [protectedHeader, payload, signature] = (await signToken(key, claims)).split('.');
  const json = JSON.stringify({ protected: protectedHeader, payload, signature });
  const verdict = await verifier.verify(json);
  assert.equal(verdict.ok ? 'accepted' : verdict.cause, 'token_malformed');
});
