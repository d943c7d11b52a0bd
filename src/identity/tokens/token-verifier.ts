// From the text of a token to who it stands for. Signatures are checked by jose; a token that held is remembered by its
// digest until it ends or its key is gone, so that a caller pays for one verification and not for each request.

import { hash } from 'node:crypto';
import { compactVerify } from 'jose/jws/compact/verify';
import { importJWK } from 'jose/key/import';
import { LRUCache } from 'lru-cache';
import type { Latest } from '../../lib/latest.ts';
import type { ReadAttributes } from '../attributes.ts';
import { describeRevocation, type RevocationList } from '../revocation-list.ts';
import { type CompactToken, claimOf, longestToken, readCompactToken } from './compact-token.ts';
import type { KeySource } from './key-source.ts';
import { identityOfToken, type TokenIdentity } from './token-identity.ts';
import { issuerRow, type TokenIssuer, type TokenIssuerOptions } from './token-issuer.ts';
import { refuseToken, type TokenRefusal } from './token-refusals.ts';
import { isExpired, shownSubject, tokenFaults } from './token-rules.ts';
import { chooseKey, type VerificationKey } from './verification-keys.ts';

/** An issuer with its keys. */
export interface KeyedIssuer {
  readonly issuer: TokenIssuer;
  readonly keys: KeySource;
}

/** A token that held when it was verified; `endOf` says whether it still does. Frozen, one object for each token. */
export interface VerifiedToken {
  readonly ok: true;
  /** As described when it was verified; `identityOf` says how now. */
  readonly identity: TokenIdentity;
  readonly claims: CompactToken['claims'];
  readonly issuer: TokenIssuer;
  /** SHA-256 of the token, base64. */
  readonly digest: string;
  readonly keys: KeySource;
  readonly key: VerificationKey;
}

export type TokenVerdict = VerifiedToken | TokenRefusal;

export interface TokenVerifierOptions {
  readonly issuers: readonly KeyedIssuer[];
  /** Another function is published whenever what is said of identities changes. */
  readonly attributes: Latest<ReadAttributes>;
  readonly revocations: Latest<RevocationList>;
  readonly nowMs: () => number;
  /** Tokens that are remembered, and their characters altogether. */
  readonly cacheEntries: number;
  readonly cacheCharacters: number;
}

export const tokenVerifierDefaults = Object.freeze({ cacheEntries: 10_000, cacheCharacters: 16 * 1024 * 1024 });

/** Judges tokens. */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #rows: readonly TokenIssuerOptions[];
  readonly #known: LRUCache<string, VerifiedToken>;
  /** Verifications under way, by digest: many requests with one token verify it once. */
  readonly #pending = new Map<string, Promise<TokenVerdict>>();
  readonly #described = new WeakMap<
    VerifiedToken,
    { readonly edition: ReadAttributes; readonly identity: TokenIdentity }
  >();
  /** jose's form of a key for an algorithm. */
  readonly #imported = new WeakMap<VerificationKey, Map<string, ReturnType<typeof importJWK>>>();

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#rows = options.issuers.map(({ issuer }) => issuer.options);
    this.#known = new LRUCache({ max: options.cacheEntries, maxSize: options.cacheCharacters });
  }

  /** The verdict where it is known without waiting: the token is remembered, or cannot be one. */
  known(text: string): TokenVerdict | null {
    if (text.length > longestToken) return refuseToken('token_too_large');
    const known = this.#known.get(digestOf(text));
    if (known === undefined) return null;
    return this.endOf(known) ?? known;
  }

  /** Verifies it; waits for keys no longer than their source allows. Never rejects. */
  verify(text: string): Promise<TokenVerdict> {
    const digest = digestOf(text);
    const pending = this.#pending.get(digest);
    if (pending !== undefined) return pending;
    const begun = this.#verify(text, digest)
      .catch(() => refuseToken('signature_invalid', 'it could not be verified'))
      .finally(() => this.#pending.delete(digest));
    this.#pending.set(digest, begun);
    return begun;
  }

  /** Why a token that held does so no more: its end, its key, the list of revocations. Null while it holds. */
  endOf({ identity, keys, key, digest }: VerifiedToken): TokenRefusal | null {
    const nowMs = this.#options.nowMs();
    const ended = isExpired(identity.expiresMs, nowMs)
      ? refuseToken('expired', `it expired at ${new Date(identity.expiresMs).toISOString()}`, identity.subject)
      : keys.current.digests.has(key.digest)
        ? this.#revoked(identity, nowMs)
        : refuseToken('key_unknown', 'the key that it was verified with is no longer among those of its issuer');
    if (ended !== null && ended.cause !== 'token_revoked') this.#known.delete(digest);
    return ended;
  }

  /** Who a token that held stands for, as described now; the same object for one edition of the attributes. */
  identityOf(token: VerifiedToken): TokenIdentity {
    const edition = this.#options.attributes.current;
    const known = this.#described.get(token);
    if (known?.edition === edition) return known.identity;
    const described = identityOfToken(token.claims, token.issuer, edition);
    const identity = 'cause' in described ? token.identity : described;
    this.#described.set(token, { edition, identity });
    return identity;
  }

  /** The row whose tokens these claims would be of. */
  issuerOf(token: CompactToken): KeyedIssuer | null {
    const row = issuerRow(claimOf(token.claims, 'sub'), claimOf(token.claims, 'iss'), this.#rows);
    return this.#options.issuers.find(({ issuer }) => issuer.options === row) ?? null;
  }

  /** The key that verifies it, waiting for one that is not there yet. */
  async keyFor(token: CompactToken, { keys }: KeyedIssuer): Promise<VerificationKey | TokenRefusal> {
    let key = chooseKey(keys.current, token);
    if (key === 'none') {
      await keys.lookAgain();
      key = chooseKey(keys.current, token);
    }
    if (typeof key === 'object') return key;
    const subject = shownSubject(token.claims);
    if (key === 'several') return refuseToken('key_ambiguous', undefined, subject);
    return refuseToken(keys.status.lastUpdateMs === 0 ? 'keys_unavailable' : 'key_unknown', undefined, subject);
  }

  /** Whether the key made its signature (RFC 7515 §5.2). */
  async isSigned(text: string, { algorithm }: CompactToken, key: VerificationKey): Promise<boolean> {
    try {
      await compactVerify(text, await this.#import(key, algorithm), { algorithms: [algorithm] });
      return true;
    } catch {
      return false;
    }
  }

  /** Who it stands for, and whether that one may still come. */
  identify(token: CompactToken, issuer: TokenIssuer): TokenIdentity | TokenRefusal {
    const identity = identityOfToken(token.claims, issuer, this.#options.attributes.current);
    return 'cause' in identity ? identity : (this.#revoked(identity, this.#options.nowMs()) ?? identity);
  }

  async #verify(text: string, digest: string): Promise<TokenVerdict> {
    const token = readCompactToken(text);
    if (!token.ok) return token;
    const keyed = this.issuerOf(token);
    if (keyed === null) return this.#unknownIssuer(token);
    // What is cheap first: a token that has expired or is meant for others fetches no keys.
    const [fault] = tokenFaults(token, keyed.issuer, this.#options.nowMs());
    if (fault !== undefined) return fault;
    const key = await this.keyFor(token, keyed);
    if ('cause' in key) return key;
    if (!(await this.isSigned(text, token, key))) {
      return refuseToken('signature_invalid', undefined, shownSubject(token.claims));
    }
    const identity = this.identify(token, keyed.issuer);
    if ('cause' in identity) return identity;
    const { claims } = token;
    const { issuer, keys } = keyed;
    const verified = Object.freeze({ ok: true as const, identity, claims, issuer, digest, keys, key });
    // Time has passed, and keys may have changed meanwhile.
    const ended = this.endOf(verified);
    if (ended !== null) return ended;
    this.#known.set(digest, verified, { size: text.length });
    return verified;
  }

  #unknownIssuer(token: CompactToken): TokenRefusal {
    const iss = claimOf(token.claims, 'iss');
    const named = typeof iss === 'string' ? `its \`iss\` is \`${iss.slice(0, 200)}\`` : 'it has no `iss`';
    return refuseToken('issuer_unknown', named, shownSubject(token.claims));
  }

  #revoked({ jti, spiffeId, subject }: TokenIdentity, nowMs: number): TokenRefusal | null {
    const list = this.#options.revocations.current;
    if (list.size === 0) return null;
    const row = (jti === null ? null : list.ofToken(jti, nowMs)) ?? (spiffeId && list.ofPeer(spiffeId, [], nowMs));
    return row === null ? null : refuseToken('token_revoked', describeRevocation(row), subject);
  }

  #import(key: VerificationKey, algorithm: string): ReturnType<typeof importJWK> {
    const forms = this.#imported.get(key) ?? new Map<string, ReturnType<typeof importJWK>>();
    this.#imported.set(key, forms);
    const known = forms.get(algorithm);
    if (known !== undefined) return known;
    const made = importJWK({ ...key.jwk }, algorithm);
    forms.set(algorithm, made);
    return made;
  }
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64');
}
