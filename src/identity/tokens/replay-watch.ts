// Notices a token in two hands: the same `jti` of the same issuer from two different peers. It is told, not refused: a token
// may be handed on in good faith, and only policy knows (`principal.token.replayed`). Bounded, per process.

import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { VerifiedToken } from './token-verifier.ts';

interface Holder {
  readonly peer: string;
  isReplayed: boolean;
}

/** Tokens that are watched; the least recently used is forgotten first. */
const mostTokens = 20_000;

/** Remembers who showed a token first. */
export class ReplayWatch {
  readonly #holders = new LRUCache<string, Holder>({ max: mostTokens });
  readonly #keys = new WeakMap<VerifiedToken, string>();
  readonly #onReplay: () => void;

  /** `onReplay`: once for each token, when a second peer shows it. */
  constructor(onReplay: () => void) {
    this.#onReplay = onReplay;
  }

  /** Whether the token has been shown by another peer than this one, now or before. */
  isReplayed(token: VerifiedToken, peer: string): boolean {
    const key = this.#keyOf(token);
    const holder = this.#holders.get(key);
    if (holder === undefined) {
      this.#holders.set(key, { peer, isReplayed: false });
      return false;
    }
    if (!holder.isReplayed && holder.peer !== peer) {
      holder.isReplayed = true;
      this.#onReplay();
    }
    return holder.isReplayed;
  }

  /** A token without an id is known by itself. Two issuers may use one id. */
  #keyOf(token: VerifiedToken): string {
    const { jti, issuer } = token.identity;
    if (jti === null) return token.digest;
    const known = this.#keys.get(token);
    if (known !== undefined) return known;
    const key = hash('sha256', JSON.stringify([issuer, jti]), 'base64');
    this.#keys.set(token, key);
    return key;
  }
}
