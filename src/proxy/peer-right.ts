// A right ends when its reason ends (promise 3): whether the certificate that opened a connection would still open it,
// by the clock and the trust bundles of now. Asked before each request and by the listener's sweep.

import type { X509Certificate } from 'node:crypto';
import type { PeerVerifier } from '../identity/peer-verification.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Latest } from '../lib/latest.ts';

/** The certificates a peer showed. */
export interface PeerChain {
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}

export class PeerRight {
  readonly #chain: PeerChain;
  readonly #notAfterMs: number;
  readonly #verifier: PeerVerifier;
  readonly #identity: Latest<IdentitySnapshot>;
  #judgedUnder: IdentitySnapshot;
  #ended: string | null = null;

  constructor(options: {
    readonly chain: PeerChain;
    readonly notAfterMs: number;
    readonly verifier: PeerVerifier;
    readonly identity: Latest<IdentitySnapshot>;
    readonly judgedUnder: IdentitySnapshot;
  }) {
    this.#chain = options.chain;
    this.#notAfterMs = options.notAfterMs;
    this.#verifier = options.verifier;
    this.#identity = options.identity;
    this.#judgedUnder = options.judgedUnder;
  }

  /** Why the right ended, or null while it stands; two comparisons unless the trust bundles changed. */
  ended(nowMs: number): string | null {
    if (this.#ended !== null) return this.#ended;
    if (nowMs > this.#notAfterMs) this.#ended = 'the certificate expired on an open connection';
    else if (this.#identity.current !== this.#judgedUnder) this.#ended = this.#judgeAgain(nowMs);
    return this.#ended;
  }

  #judgeAgain(nowMs: number): string | null {
    const snapshot = this.#identity.current;
    const verdict = this.#verifier.verify({
      leaf: this.#chain.leaf,
      intermediates: this.#chain.intermediates,
      bundles: snapshot.bundles,
      role: 'client',
      nowMs,
    });
    this.#judgedUnder = snapshot;
    return verdict.ok ? null : verdict.detail;
  }
}
