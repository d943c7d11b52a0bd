// Watches when revocation lists go over their time: then whom they are about must be judged again, though no file changed.

import { PosternError } from '../errors.ts';
import type { Crl } from '../identity/crl.ts';
import { type CrlSet, crlStanding } from '../identity/crl-set.ts';
import type { CrlSigner } from '../identity/crl-signature.ts';
import { isoTime } from '../identity/iso-time.ts';
import { shown } from '../identity/shown-text.ts';
import type { CrlListStatus } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';

const pollMs = 500;

export interface CrlExpiryListener {
  readonly onExpired: (error: PosternError) => void;
  readonly onChange: () => void;
}

export class CrlExpiryWatch {
  readonly #clock: Clock;
  readonly #listener: CrlExpiryListener;
  #told: ReadonlySet<Crl> = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, listener: CrlExpiryListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** The wall clock is looked at, instead of one long timer: a machine may sleep. */
  start(current: () => CrlSet): void {
    const look = (): void => this.#look(current());
    look();
    this.#timer = setInterval(look, pollMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look({ all, expired: rule }: CrlSet): void {
    if (all.length === 0) return;
    const nowMs = this.#clock.nowMs();
    const expired = all.filter((crl) => nowMs > crl.nextUpdateMs);
    const fresh = expired.filter((crl) => !this.#told.has(crl));
    this.#told = new Set(expired);
    for (const { issuer, nextUpdateMs } of fresh) {
      const what = `the CRL of CA ${shown(issuer)} expired at ${isoTime(nextUpdateMs)}`;
      const effect = rule === 'refuse' ? 'its certificates are refused' : 'it goes on as it is';
      this.#listener.onExpired(new PosternError('ERR_CRL_EXPIRED', `${what}; ${effect}`));
    }
    if (fresh.length > 0) this.#listener.onChange();
  }
}

/** Lists as status shows them. */
export function describeCrls(crls: readonly Crl[], authorities: readonly CrlSigner[]): readonly CrlListStatus[] {
  return crls.map((crl) => ({
    issuer: crl.issuer,
    size: crl.size,
    thisUpdateMs: crl.thisUpdateMs,
    nextUpdateMs: crl.nextUpdateMs,
    standing: crlStanding(crl, authorities),
  }));
}
