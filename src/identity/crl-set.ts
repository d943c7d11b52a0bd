// The certificate revocation lists at hand, asked about a whole path. A list counts for whichever CA signed it, known by
// its key: so no list of one trust domain can revoke, or spare, a certificate of another. Immutable.

import { createHash, type X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CertificateFacts } from './certificate-facts.ts';
import type { Crl } from './crl.ts';
import { type CrlSigner, isCrlOf, isNamedIssuer } from './crl-signature.ts';
import { isoTime } from './iso-time.ts';
import { type Refusal, refusal } from './refusal-causes.ts';
import { shown } from './shown-text.ts';

/** What a list that is over its time does: refuse whom it could be about, or go on as if it were not. */
export type ExpiredCrlRule = 'refuse' | 'use';

/** A path that holds, leaf first, and where to look for the certificates of its signers. */
export interface CrlQuestion {
  readonly path: readonly CertificateFacts[];
  readonly intermediates: readonly X509Certificate[];
  readonly authorities: readonly CrlSigner[];
  readonly nowMs: number;
}

/** Signers whose lists are remembered; each may hold some. */
const mostSigners = 1024;

export class CrlSet {
  static readonly empty = new CrlSet([], 'refuse');
  readonly all: readonly Crl[];
  /** The same for the same content, hex. */
  readonly digest: string;
  readonly expired: ExpiredCrlRule;
  readonly #issuers: ReadonlySet<string>;
  readonly #ofSigner = new LRUCache<string, readonly Crl[]>({ max: mostSigners });

  constructor(all: readonly Crl[], expired: ExpiredCrlRule) {
    const distinct = new Map(all.map((crl) => [crl.fingerprintSha256, crl]));
    this.all = Object.freeze([...distinct.values()]);
    this.#issuers = new Set(this.all.map((crl) => crl.issuerDer));
    this.expired = expired;
    this.digest = createHash('sha256')
      .update([...distinct.keys()].sort().join(' '))
      .digest('hex');
  }

  /** Why a path holds no more; null where no list says so. Never throws. */
  refusalOf(question: CrlQuestion): Refusal | null {
    if (this.all.length === 0) return null;
    const { path, nowMs } = question;
    for (const [at, facts] of path.entries()) {
      for (const crl of this.#listsOfIssuer(facts, path[at + 1], question)) {
        const found = this.#refusal(crl, facts, nowMs);
        if (found !== null) return found;
      }
    }
    return null;
  }

  #refusal(crl: Crl, { serial, subject }: CertificateFacts, nowMs: number): Refusal | null {
    const row = crl.rowOf(serial);
    if (row !== null) {
      const since = row.revokedAtMs === null ? '' : ` since ${isoTime(row.revokedAtMs)}`;
      const what = `certificate ${serial} (${shown(subject)}) is revoked by the CRL of CA ${shown(crl.issuer)}${since}: ${row.reason}`;
      return refusal('revoked', what);
    }
    if (nowMs <= crl.nextUpdateMs || this.expired === 'use') return null;
    return refusal('crl_expired', `the CRL of CA ${shown(crl.issuer)} expired at ${isoTime(crl.nextUpdateMs)}`);
  }

  /** `signer` is the next certificate of the path; above its end, an authority may still be revoked by another one. */
  #listsOfIssuer(of: CertificateFacts, signer: CertificateFacts | undefined, question: CrlQuestion): readonly Crl[] {
    if (!this.#issuers.has(of.issuerDer)) return [];
    const { authorities, intermediates } = question;
    if (signer === undefined) {
      const isAbove = ({ facts }: CrlSigner) => facts.subjectDer === of.issuerDer && facts.subjectDer !== of.subjectDer;
      return authorities.filter(isAbove).flatMap((one) => this.#listsOf(one));
    }
    const known = this.#ofSigner.get(signer.fingerprintSha256);
    if (known !== undefined) return known;
    const certificate = certificateOf(signer, authorities, intermediates);
    return certificate === undefined ? [] : this.#listsOf({ certificate, facts: signer });
  }

  #listsOf(signer: CrlSigner): readonly Crl[] {
    const key = signer.facts.fingerprintSha256;
    const known = this.#ofSigner.get(key);
    if (known !== undefined) return known;
    const lists = newest(this.all.filter((crl) => isCrlOf(crl, signer)));
    this.#ofSigner.set(key, lists);
    return lists;
  }
}

/** Of lists for the same part of the certificates of one CA the newest counts; all of them where they are of one second. */
function newest(lists: readonly Crl[]): readonly Crl[] {
  const isOlder = (a: Crl, b: Crl) => a.scope === b.scope && a.thisUpdateMs < b.thisUpdateMs;
  return Object.freeze(lists.filter((crl) => !lists.some((other) => isOlder(crl, other))));
}

function certificateOf(
  { fingerprintSha256 }: CertificateFacts,
  authorities: readonly CrlSigner[],
  intermediates: readonly X509Certificate[],
): X509Certificate | undefined {
  const authority = authorities.find(({ facts }) => facts.fingerprintSha256 === fingerprintSha256);
  const isSigner = (one: X509Certificate) => one.fingerprint256.replaceAll(':', '').toLowerCase() === fingerprintSha256;
  return authority?.certificate ?? intermediates.find(isSigner);
}

/** How a list stands to the CAs at hand: `forged` where one of them is named and did not sign it. */
export function crlStanding(crl: Crl, authorities: readonly CrlSigner[]): 'signed' | 'unknown_issuer' | 'forged' {
  const named = authorities.filter(({ facts }) => isNamedIssuer(crl, facts));
  if (named.length === 0) return 'unknown_issuer';
  return named.some((one) => isCrlOf(crl, one)) ? 'signed' : 'forged';
}
