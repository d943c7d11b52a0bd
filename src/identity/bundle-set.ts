// All bundles at one moment, by trust domain. Immutable; `digest` names the content, so that what was derived from a set
// can be kept for as long as the set says the same.

import { createHash } from 'node:crypto';
import { PosternError } from '../errors.ts';
import { CrlSet } from './crl-set.ts';
import { shown } from './shown-text.ts';
import type { TrustBundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Own and federated bundles, at most one a trust domain, and what the CAs revoked. */
export class BundleSet {
  /** SHA-256 over trust domains and authorities, hex; the same for the same content. */
  readonly digest: string;
  /** Every authority, PEM, for node's `ca`; OpenSSL's pool knows no trust domains, so verify peers afterwards. */
  readonly allAuthoritiesPem: readonly string[];
  /** Revocation lists of any CA; not part of `digest`. */
  readonly crls: CrlSet;
  readonly #bundles: ReadonlyMap<string, TrustBundle>;

  /** @throws PosternError ERR_TRUST_BUNDLE_DUPLICATE where two bundles are of one trust domain */
  constructor(bundles: Iterable<TrustBundle>, crls: CrlSet = CrlSet.empty) {
    const table = new Map<string, TrustBundle>();
    for (const bundle of bundles) {
      if (table.has(bundle.trustDomain.name)) {
        throw new PosternError(
          'ERR_TRUST_BUNDLE_DUPLICATE',
          `trust domain ${shown(bundle.trustDomain.name)} has two bundles`,
        );
      }
      table.set(bundle.trustDomain.name, bundle);
    }
    this.#bundles = table;
    this.crls = crls;
    this.digest = digestOf(table);
    this.allAuthoritiesPem = Object.freeze(authoritiesPem(table));
    Object.freeze(this);
  }

  /** The bundle of that very trust domain. */
  get(trustDomain: TrustDomain): TrustBundle | undefined {
    return this.#bundles.get(trustDomain.name);
  }

  /** In the order given: the own one first. */
  get trustDomains(): readonly TrustDomain[] {
    return [...this.#bundles.values()].map((bundle) => bundle.trustDomain);
  }

  get bundles(): readonly TrustBundle[] {
    return [...this.#bundles.values()];
  }
}

function digestOf(table: ReadonlyMap<string, TrustBundle>): string {
  const hash = createHash('sha256');
  for (const name of [...table.keys()].sort()) {
    const prints = table.get(name)!.authorities.map((authority) => authority.facts.fingerprintSha256);
    hash.update(`${name} ${prints.sort().join(' ')}\n`);
  }
  return hash.digest('hex');
}

function authoritiesPem(table: ReadonlyMap<string, TrustBundle>): string[] {
  const all = [...table.values()].flatMap((bundle) => bundle.authorities);
  return [...new Map(all.map((one) => [one.facts.fingerprintSha256, one.certificate.toString()])).values()];
}
