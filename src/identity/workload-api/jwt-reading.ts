// What a JWTBundlesResponse says (SPIFFE_Workload_API §6.2.3): a JWKS document for each trust domain.

import { PosternError } from '../../errors.ts';
import { type JwtBundle, type JwtBundles, readJwtBundle } from '../jwt-bundle.ts';
import { shown } from '../shown-text.ts';
import type { TrustDomain } from '../trust-domain.ts';
import { trustDomainOf } from './x509-reading.ts';

/** The bundles that follow from a message: what cannot be read keeps its last good value, what is missing goes. */
export function readJwtBundles(
  documents: ReadonlyMap<string, Uint8Array>,
  current: JwtBundles,
  agent: string,
): { readonly bundles: JwtBundles; readonly refused: readonly PosternError[] } {
  const bundles = new Map<string, JwtBundle>();
  const refused: PosternError[] = [];
  for (const [key, bytes] of documents) {
    const trustDomain = nameOf(key);
    const text = Buffer.from(bytes).toString('utf8');
    const bundle = trustDomain === null ? null : readJwtBundle(text, trustDomain);
    const name = trustDomain?.name ?? '';
    const usable = bundle ?? current.get(name);
    if (usable !== undefined) bundles.set(name, usable);
    if (bundle !== null) continue;
    const what = `the JWT bundle of ${shown(key)} of ${agent} is not a JWKS document of a trust domain`;
    refused.push(new PosternError('ERR_WORKLOAD_API_ANSWER', what));
  }
  return { bundles, refused };
}

function nameOf(key: string): TrustDomain | null {
  try {
    return trustDomainOf(key);
  } catch {
    return null;
  }
}
