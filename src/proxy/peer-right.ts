// A right ends when its reason ends (promise 3): whether the certificate that opened a connection would still open it,
// by the clock, the trust bundles and the revocations of now. Asked before each request and by the listener's sweep.

import type { X509Certificate } from 'node:crypto';
import type { PeerRole } from '../identity/leaf-rules.ts';
import type { PeerVerifier } from '../identity/peer-verification.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Latest } from '../lib/latest.ts';

/** The certificates a peer showed. */
export interface PeerChain {
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}

/** What a right was last judged under. */
export interface TrustMoment {
  readonly snapshot: IdentitySnapshot;
  readonly revocations: RevocationList;
}

/** Whether an open connection may still be used. */
export interface ConnectionRight {
  /** Why the right ended, or null while it stands. */
  ended(nowMs: number): string | null;
}

export class PeerRight implements ConnectionRight {
  readonly #chain: PeerChain;
  readonly #notAfterMs: number;
  readonly #verifier: PeerVerifier;
  readonly #identity: Latest<IdentitySnapshot>;
  readonly #revocations: Latest<RevocationList>;
  readonly #role: PeerRole;
  #judgedUnder: TrustMoment;
  #ended: string | null = null;

  constructor(options: {
    readonly chain: PeerChain;
    readonly notAfterMs: number;
    readonly verifier: PeerVerifier;
    readonly identity: Latest<IdentitySnapshot>;
    readonly revocations: Latest<RevocationList>;
    readonly judgedUnder: TrustMoment;
    /** What the peer is in the handshake. */
    readonly role: PeerRole;
  }) {
    this.#chain = options.chain;
    this.#notAfterMs = options.notAfterMs;
    this.#verifier = options.verifier;
    this.#identity = options.identity;
    this.#revocations = options.revocations;
    this.#judgedUnder = options.judgedUnder;
    this.#role = options.role;
  }

  /** Why the right ended, or null while it stands; three comparisons unless what it stands on changed. */
  ended(nowMs: number): string | null {
    if (this.#ended !== null) return this.#ended;
    if (nowMs > this.#notAfterMs) this.#ended = 'the certificate expired on an open connection';
    else if (!this.#isCurrent()) this.#ended = this.#judgeAgain(nowMs);
    return this.#ended;
  }

  #isCurrent(): boolean {
    const { snapshot, revocations } = this.#judgedUnder;
    return this.#identity.current === snapshot && this.#revocations.current === revocations;
  }

  #judgeAgain(nowMs: number): string | null {
    const [snapshot, revocations] = [this.#identity.current, this.#revocations.current];
    const verdict = this.#verifier.verify({
      leaf: this.#chain.leaf,
      intermediates: this.#chain.intermediates,
      bundles: snapshot.bundles,
      revocations,
      role: this.#role,
      nowMs,
    });
    this.#judgedUnder = { snapshot, revocations };
    return verdict.ok ? null : verdict.detail;
  }
}
