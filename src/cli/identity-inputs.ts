// What `postern identity inspect` is given: a certificate file, and bundles with or without their trust domain.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isPosternError, PosternError } from '../errors.ts';
import { BundleSet } from '../identity/bundle-set.ts';
import { readCertificateFacts } from '../identity/certificate-facts.ts';
import type { Crl } from '../identity/crl.ts';
import { readCrls } from '../identity/crl-files.ts';
import { CrlSet } from '../identity/crl-set.ts';
import { leafSpiffeId } from '../identity/leaf-rules.ts';
import { certificatesFromPem } from '../identity/pem.ts';
import { parseTrustBundle, type TrustBundle } from '../identity/trust-bundle.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import type { CliIo } from './cli-io.ts';

/** For commander: gathers a repeated option. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** The text of a PEM file, or of stdin for `-`. @throws PosternError ERR_IDENTITY_FILE */
export async function readCertificateText(file: string, io: CliIo): Promise<string> {
  if (file === '-') return io.readStdin();
  try {
    return await readFile(resolve(io.cwd, file), 'latin1');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new PosternError('ERR_IDENTITY_FILE', `\`${file}\` cannot be read (${code})`, { cause });
  }
}

/** The bundles of `FILE` or `TRUST-DOMAIN=FILE`; without a name, of the certificate's own trust domain. */
export async function readBundles(
  { bundle: options, crl }: { readonly bundle: readonly string[]; readonly crl: readonly string[] },
  certPem: string,
  io: CliIo,
): Promise<BundleSet | null> {
  if (options.length === 0) return null;
  const bundles: TrustBundle[] = [];
  const crls: Crl[] = [];
  for (const file of crl) crls.push(...readCrls(await readCertificateText(file, io), file));
  for (const option of options) {
    const named = /^([a-z0-9._-]+)=(.+)$/.exec(option);
    const file = named?.[2] ?? option;
    const trustDomain = named === null ? ownTrustDomain(certPem) : TrustDomain.parse(named[1]!);
    bundles.push(parseTrustBundle({ text: await readCertificateText(file, io), file, trustDomain }));
  }
  return new BundleSet(bundles, new CrlSet(crls, 'refuse'));
}

function ownTrustDomain(certPem: string): TrustDomain {
  try {
    const [leaf] = certificatesFromPem(certPem, { file: 'certificate', code: 'ERR_SVID_CERTIFICATE' });
    return leafSpiffeId(readCertificateFacts(leaf!)).trustDomain;
  } catch (cause) {
    if (!isPosternError(cause)) throw cause;
    const mend = 'name the trust domain of the bundle: --bundle TRUST-DOMAIN=FILE';
    throw new PosternError('ERR_USAGE', 'the certificate names no trust domain that the bundle could be of', {
      cause,
      mend,
    });
  }
}

/** The token in a text: alone, or behind `Bearer`; null where it is none. */
export function tokenIn(text: string): string | null {
  const token = text.trim().replace(/^(?:authorization:\s*)?bearer\s+/i, '');
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(token) ? token : null;
}
