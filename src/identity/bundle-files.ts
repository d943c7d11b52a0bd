// Trust bundles read from files, for every source that federates.

import type { FederatedBundleFile, FileText } from './identity-files.ts';
import type { IdentityReading } from './identity-state.ts';
import { type Reading, readingOf } from './identity-state.ts';
import { assertBundleCurrent, parseTrustBundle, type TrustBundle } from './trust-bundle.ts';
import { TrustDomain } from './trust-domain.ts';

/** Which bundle of which file at what time. */
export interface BundleFile {
  readonly trustDomain: TrustDomain;
  readonly file: string;
  readonly nowMs: number;
}

/** A bundle with at least one unexpired authority, of texts already read. */
export function readBundle(
  texts: ReadonlyMap<string, FileText>,
  { trustDomain, file, nowMs }: BundleFile,
): Reading<TrustBundle> {
  return readingOf(() => {
    const bundle = parseTrustBundle({ text: textOf(texts, file), file, trustDomain });
    assertBundleCurrent(bundle, file, nowMs);
    return bundle;
  });
}

/** All federated bundles by trust domain. */
export function readFederated(
  texts: ReadonlyMap<string, FileText>,
  federation: readonly FederatedBundleFile[],
  nowMs: number,
): IdentityReading['federated'] {
  return new Map(
    federation.map((one) => {
      const trustDomain = TrustDomain.parse(one.trustDomain);
      return [trustDomain.name, readBundle(texts, { trustDomain, file: one.bundleFile, nowMs })];
    }),
  );
}

/** The text of a file of the set. @throws the coded reason why it could not be read */
export function textOf(texts: ReadonlyMap<string, FileText>, file: string): string {
  const found = texts.get(file);
  if (found === undefined) throw new TypeError('a file that was not read');
  if (!found.ok) throw found.error;
  return found.text;
}
