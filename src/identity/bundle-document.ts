// A SPIFFE bundle as a bundle endpoint gives it (SPIFFE Trust Domain and Bundle §4): X.509 and JWT authorities of one trust
// domain, with its sequence number and refresh hint.

import { PosternError } from '../errors.ts';
import { type JwtBundle, readJwtBundle } from './jwt-bundle.ts';
import { shown } from './shown-text.ts';
import { parseTrustBundle, type TrustBundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Frozen. */
export interface BundleDocument {
  readonly x509: TrustBundle;
  /** Empty where the document has no JWT authority. */
  readonly jwt: JwtBundle;
  /** `spiffe_sequence`; null where it is not set. */
  readonly sequence: bigint | null;
}

/** Reads a document for that very trust domain, which it does not name. @throws PosternError ERR_TRUST_BUNDLE_INVALID */
export function parseBundleDocument(text: string, file: string, trustDomain: TrustDomain): BundleDocument {
  if (!text.trimStart().startsWith('{')) {
    throw new PosternError('ERR_TRUST_BUNDLE_INVALID', `${shown(file)} is not a SPIFFE bundle (a JSON object)`);
  }
  const x509 = parseTrustBundle({ text, file, trustDomain });
  const document = JSON.parse(text, keepSequence) as { keys: readonly unknown[]; spiffe_sequence?: unknown };
  const jwtKeys = document.keys.filter((key) => (key as { use?: unknown } | null)?.use === 'jwt-svid');
  const jwt = readJwtBundle(JSON.stringify({ keys: jwtKeys }), trustDomain);
  const sequence = document.spiffe_sequence ?? null;
  if (jwt === null || (sequence !== null && typeof sequence !== 'bigint')) {
    const what = `${shown(file)} has a spiffe_sequence that is no whole number`;
    throw new PosternError('ERR_TRUST_BUNDLE_INVALID', what);
  }
  return Object.freeze({ x509, jwt, sequence });
}

/** §4.1.1 asks for 64 bits, which a number of JSON.parse has not. */
function keepSequence(key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (key !== 'spiffe_sequence' || typeof value !== 'number') return value;
  const source = context?.source ?? String(value);
  return /^\d{1,20}$/.test(source) ? BigInt(source) : value;
}
