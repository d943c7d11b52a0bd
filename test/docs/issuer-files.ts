// Certificates made by openssl in the way the tools of docs/identity.md make them: their extensions, chains and forms of keys.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A certificate with its key; PEM. */
export interface IssuedPem {
  readonly cert: string;
  readonly key: string;
}

export interface IssuingPki {
  /** PEM of the root. */
  readonly root: string;
  /** PEM of what issues leaves; the root's own where there is no intermediate. */
  readonly issuing: string;
  /** With another key, unless one is given. */
  issue(lines: readonly string[], form: KeyForm, key?: string): IssuedPem;
}

/** How the private key is written. */
export interface KeyForm {
  readonly algorithm: 'ec' | 'rsa';
  /** `traditional` is SEC 1 or PKCS #1. */
  readonly encoding: 'pkcs8' | 'traditional';
}

export interface PkiWish {
  readonly subject: string;
  readonly intermediate: boolean;
  /** The leaf's; `/` is none, and then the SAN is critical. */
  readonly leafSubject: string;
}

const caLines = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];

/** A PKI in `dir`. */
export function issuingPki(dir: string, { subject, intermediate, leafSubject }: PkiWish): IssuingPki {
  let made = 0;
  // Without a configuration of ours openssl adds extensions of its own.
  writeFileSync(path.join(dir, 'req.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n');
  const sign = (name: string, of: string, lines: readonly string[], by: string | null): string => {
    const signer = by === null ? [] : ['-CA', `${by}.pem`, '-CAkey', `${by}.key`];
    const extensions = lines.flatMap((line) => ['-addext', line]);
    const what = ['-key', `${name}.key`, '-subj', of, '-days', '1', ...signer, ...extensions, '-out', `${name}.pem`];
    execFileSync('openssl', ['req', '-x509', '-new', '-config', 'req.cnf', ...what], { cwd: dir, stdio: 'pipe' });
    return readFileSync(path.join(dir, `${name}.pem`), 'utf8');
  };
  const newKey = (name: string, form: KeyForm): string => {
    const key = privateKeyPem(form);
    writeFileSync(path.join(dir, `${name}.key`), key);
    return key;
  };
  newKey('root', caKey);
  const root = sign('root', `${subject} root`, caLines, null);
  if (intermediate) newKey('middle', caKey);
  const issuing = intermediate ? sign('middle', `${subject} intermediate`, caLines, 'root') : root;
  return {
    root,
    issuing,
    issue(lines, form, key) {
      const name = `leaf-${made++}`;
      if (key !== undefined) writeFileSync(path.join(dir, `${name}.key`), key);
      const own = key ?? newKey(name, form);
      const cert = sign(
        name,
        leafSubject,
        [...lines, 'authorityKeyIdentifier=keyid'],
        intermediate ? 'middle' : 'root',
      );
      return { cert, key: own };
    },
  };
}

const caKey: KeyForm = { algorithm: 'ec', encoding: 'pkcs8' };

function privateKeyPem({ algorithm, encoding }: KeyForm): string {
  const format = 'pem';
  if (algorithm === 'ec') {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return privateKey.export({ type: encoding === 'pkcs8' ? 'pkcs8' : 'sec1', format }).toString();
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: encoding === 'pkcs8' ? 'pkcs8' : 'pkcs1', format }).toString();
}
