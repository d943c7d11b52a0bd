// A trust domain name (SPIFFE-ID §2.1), parsed once; afterwards only the value travels.

import { inspect } from 'node:util';
import { PosternError } from '../errors.ts';
import { shown } from './shown-text.ts';

/** Longest trust domain name, bytes (SPIFFE-ID §2.3). */
export const longestTrustDomainBytes = 255;

/** A valid trust domain name. Only `parse` makes one. */
export class TrustDomain {
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
    Object.freeze(this);
  }

  /**
   * Parses a bare name such as `prod.acme.com`: lower-case letters, digits, dots, dashes and underscores.
   * @throws PosternError ERR_TRUST_DOMAIN_INVALID
   */
  static parse(name: string): TrustDomain {
    const fault = trustDomainFault(name);
    if (fault !== null) throw new PosternError('ERR_TRUST_DOMAIN_INVALID', `trust domain ${shown(name)} ${fault}`);
    return new TrustDomain(name);
  }

  get name(): string {
    return this.#name;
  }

  /** True for the same name; names have one spelling only. */
  equals(other: TrustDomain): boolean {
    return this.#name === other.#name;
  }

  toString(): string {
    return this.#name;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  toJSON(): string {
    return this.#name;
  }
}

/** What is wrong with a name, as the end of a sentence that starts with it; null where nothing is. */
export function trustDomainFault(name: string): string | null {
  if (name.length === 0) return 'is empty';
  if (name.length > longestTrustDomainBytes) return `is longer than ${longestTrustDomainBytes} bytes`;
  for (let at = 0; at < name.length; at++) {
    if (!isTrustDomainCode(name.charCodeAt(at))) {
      return `holds ${shown(name.charAt(at))}; a trust domain is made of a-z, 0-9, dot, dash and underscore`;
    }
  }
  return null;
}

function isTrustDomainCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f
  );
}
