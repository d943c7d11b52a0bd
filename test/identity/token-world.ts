// Verifiers of tokens with issuers made up for a test, and tokens as they would sign them.

import assert from 'node:assert/strict';
import { compileAttributeRules, type ReadAttributes } from '../../src/identity/attributes.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { parseRevocations } from '../../src/identity/revocations-file.ts';
import type { KeySource } from '../../src/identity/tokens/key-source.ts';
import {
  compileTokenIssuer,
  type TokenIssuerOptions,
  tokenAlgorithms,
} from '../../src/identity/tokens/token-issuer.ts';
import { TokenVerifier, tokenVerifierDefaults } from '../../src/identity/tokens/token-verifier.ts';
import { type KeySet, readKeySet } from '../../src/identity/tokens/verification-keys.ts';
import { LatestValue } from '../../src/lib/latest.ts';
import type { SigningKey } from '../harness/token-issuer.ts';

/** Now, in the tests; a whole second. */
export const nowMs = Date.parse('2026-11-23T12:00:00Z');
export const nowS = nowMs / 1000;

/** A row as its defaults would be. */
export function row(changed: Partial<TokenIssuerOptions> = {}): TokenIssuerOptions {
  return {
    profile: 'oidc',
    issuer: 'https://ci.example',
    audience: ['api'],
    algorithms: tokenAlgorithms,
    type: 'ci_job',
    spiffeId: null,
    set: {},
    require: {},
    keys: { kind: 'bundles' },
    ...changed,
  };
}

/** Claims that a token of `row()` must have, and hold. */
export const goodClaims = Object.freeze({
  iss: 'https://ci.example',
  aud: 'api',
  sub: 'job:1',
  jti: 'id-1',
  iat: nowS - 10,
  nbf: nowS - 10,
  exp: nowS + 300,
});

/** Keys in the hand of the test; `isKnown` false: none were ever got. */
export class HeldKeys implements KeySource {
  current: KeySet;
  lookedAgain = 0;
  /** Called when a token asks for keys that are not there. */
  onLookAgain: () => Promise<void> = async () => {};
  isKnown = true;

  constructor(keys: readonly SigningKey[], use: 'sig' | 'jwt-svid' = 'sig') {
    this.current = keysOf(keys, use);
  }

  get status() {
    return { keyCount: this.current.keys.length, lastUpdateMs: this.isKnown ? nowMs : 0, failures: 0 };
  }

  lookAgain(): Promise<void> {
    this.lookedAgain++;
    return this.onLookAgain();
  }

  close(): void {}
}

/** The set of these keys. */
export function keysOf(keys: readonly SigningKey[], use: 'sig' | 'jwt-svid' = 'sig'): KeySet {
  const text = JSON.stringify({ keys: keys.map(({ jwk }) => ({ ...jwk, use })) });
  return readKeySet(text, use) ?? { keys: [], digests: new Set() };
}

/** A verifier whose clock and revocations the test may change. */
export function verifierOf(issuers: readonly (readonly [TokenIssuerOptions, KeySource])[]) {
  const attributes = new LatestValue<ReadAttributes>(compileAttributeRules([]), assert.ifError);
  const world = { nowMs, revocations: RevocationList.empty, attributes };
  const verifier = new TokenVerifier({
    ...tokenVerifierDefaults,
    issuers: issuers.map(([options, keys]) => ({ issuer: compileTokenIssuer(options), keys })),
    attributes,
    revocations: {
      get current() {
        return world.revocations;
      },
      subscribe: () => () => {},
    },
    nowMs: () => world.nowMs,
  });
  return { world, verifier };
}

/** A list with these rows, as YAML. */
export function revocationsOf(rows: string): RevocationList {
  return new RevocationList(parseRevocations(`revocations:\n${rows}`, 'revocations.yaml'));
}

/** base64url of a JSON value or text. */
export function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}
