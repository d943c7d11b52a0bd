// Certificates to begin with: an SVID and its CA, made anew with each run.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDevCa } from '../../../src/identity/dev-ca.ts';

async function makeSeeds(): Promise<{ readonly certificates: readonly X509Certificate[]; readonly keyPem: string }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-fuzz-'));
  try {
    const ca = await createDevCa({ dir, trustDomain: 'prod.acme.com' });
    const svid = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/api', dnsNames: ['a.example'] });
    const [leaf, authority] = [svid.certChainPem, ca.bundlePem].map((pem) => new X509Certificate(pem));
    return { certificates: [leaf!, authority!], keyPem: svid.keyPem };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const seeds = await makeSeeds();

/** A leaf, and the CA that issued it. */
export const seedCertificates: readonly X509Certificate[] = seeds.certificates;

/** The key of the leaf. */
export const seedKeyPem: string = seeds.keyPem;

/** DER as a PEM block. */
export function pemOf(raw: Buffer): string {
  const lines = raw.toString('base64').replaceAll(/(.{64})(?!$)/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
