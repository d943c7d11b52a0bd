// A throwaway CA and X509-SVIDs for one run: P-256, SHA-256, one URI SAN, as SPIRE issues them. Keys live in the run's
// temporary folder and go with it.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const callerId = 'spiffe://prod.acme.com/ns/payments/api';
const workloadId = 'spiffe://prod.acme.com/ns/payments/ledger';

/** Paths of PEM files. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
  /** Certificate and key in one file, as HAProxy wants it. */
  readonly both: string;
}

/** All that a bench run needs to speak mTLS. */
export interface Certificates {
  readonly ca: string;
  readonly caller: CertificatePair;
  readonly workload: CertificatePair;
  readonly callerId: string;
  readonly workloadId: string;
}

/** Makes the CA, the caller's and the workload's SVID in `dir`. They are valid for a day. Needs the `openssl` command. */
export function makeCertificates(dir: string): Certificates {
  const ca = join(dir, 'ca.pem');
  openssl([
    ...['-subj', '/O=bench', '-keyout', join(dir, 'ca.key'), '-out', ca],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-addext', 'subjectAltName=URI:spiffe://prod.acme.com'],
  ]);
  return {
    ca,
    caller: issue(dir, { name: 'caller', id: callerId }),
    workload: issue(dir, { name: 'workload', id: workloadId }),
    callerId,
    workloadId,
  };
}

/** One more SVID from the CA in `dir`. */
export function issue(dir: string, leaf: { readonly name: string; readonly id: string }): CertificatePair {
  const cert = join(dir, `${leaf.name}.pem`);
  const key = join(dir, `${leaf.name}.key`);
  openssl([
    ...['-CA', join(dir, 'ca.pem'), '-CAkey', join(dir, 'ca.key')],
    ...['-subj', `/CN=${leaf.name}`, '-keyout', key, '-out', cert],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'keyUsage=critical,digitalSignature'],
    ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth', '-addext', `subjectAltName=URI:${leaf.id}`],
  ]);
  const both = join(dir, `${leaf.name}.both.pem`);
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { cert, key, both };
}

function openssl(args: readonly string[]): void {
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '1', '-sha256'];
  execFileSync('openssl', ['req', '-x509', ...fresh, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}
