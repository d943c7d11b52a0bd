// A SPIFFE ID (SPIFFE-ID §2), parsed strictly and once; afterwards only the value travels. There is no normalisation: what
// is not written in the one canonical way is refused, so equality of text is equality of identity.

import { inspect } from 'node:util';
import { PosternError } from '../errors.ts';
import { shown } from './shown-text.ts';
import { TrustDomain, trustDomainFault } from './trust-domain.ts';

/** Longest SPIFFE ID, bytes (SPIFFE-ID §2.3). */
export const longestSpiffeIdBytes = 2048;

const scheme = 'spiffe://';

/** A valid SPIFFE ID. Only `parse` makes one. */
export class SpiffeId {
  readonly trustDomain: TrustDomain;
  /** Empty for the ID of a trust domain, else starts with a slash. */
  readonly path: string;
  readonly #text: string;

  private constructor(text: string, trustDomain: TrustDomain, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
    this.#text = text;
    Object.freeze(this);
  }

  /**
   * Parses `spiffe://trust-domain/path`; the path may be absent.
   * @throws PosternError ERR_SPIFFE_ID_INVALID
   */
  static parse(text: string): SpiffeId {
    const fault = spiffeIdFault(text);
    if (fault !== null) throw new PosternError('ERR_SPIFFE_ID_INVALID', `SPIFFE ID ${shown(text)} ${fault}`);
    const slash = pathStart(text);
    return new SpiffeId(text, TrustDomain.parse(text.slice(scheme.length, slash)), text.slice(slash));
  }

  /** True for the same ID; IDs have one spelling only. */
  equals(other: SpiffeId): boolean {
    return this.#text === other.#text;
  }

  toString(): string {
    return this.#text;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  toJSON(): string {
    return this.#text;
  }
}

/** What is wrong with a SPIFFE ID, as the end of a sentence that starts with it; null where nothing is. */
export function spiffeIdFault(text: string): string | null {
  if (text.length === 0) return 'is empty';
  if (text.length > longestSpiffeIdBytes) return `is longer than ${longestSpiffeIdBytes} bytes`;
  if (!text.startsWith(scheme)) return 'does not start with spiffe:// in lower case';
  const slash = pathStart(text);
  const fault = trustDomainFault(text.slice(scheme.length, slash));
  return fault === null ? pathFault(text, slash) : `has a trust domain that ${fault}`;
}

function pathStart(text: string): number {
  const slash = text.indexOf('/', scheme.length);
  return slash < 0 ? text.length : slash;
}

function pathFault(text: string, start: number): string | null {
  let segmentStart = start + 1;
  for (let at = start + 1; at <= text.length && start < text.length; at++) {
    if (at === text.length || text.charCodeAt(at) === 0x2f) {
      const fault = segmentFault(text, segmentStart, at);
      if (fault !== null) return fault;
      segmentStart = at + 1;
    } else if (!isPathCode(text.charCodeAt(at))) {
      return `holds ${shown(text.charAt(at))} in its path; a path is made of a-z, A-Z, 0-9, dot, dash and underscore`;
    }
  }
  return null;
}

function segmentFault(text: string, start: number, end: number): string | null {
  if (start === end) return end === text.length ? 'ends with a slash' : 'has an empty path segment';
  const segment = text.slice(start, end);
  return segment === '.' || segment === '..' ? 'has a dot segment in its path' : null;
}

function isPathCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f
  );
}
