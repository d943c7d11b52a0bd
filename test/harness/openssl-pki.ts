// Certificates as an operator makes them by hand: by the `openssl` command, following docs/identity.md.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export interface OpensslPki {
  readonly dir: string;
  readonly caFile: string;
  /** Issues a certificate with one SPIFFE ID; gives the names of its files. */
  issue(name: string, spiffeId: string): { readonly cert: string; readonly key: string };
}

/** A CA in a folder. */
export function createOpensslPki(dir: string, trustDomain: string): OpensslPki {
  const run = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ca.key');
  writeFileSync(
    path.join(dir, 'ca.cnf'),
    `[req]\ndistinguished_name=dn\nx509_extensions=v3\nprompt=no\n[dn]\nO=Test CA\n[v3]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectAltName=URI:spiffe://${trustDomain}\nsubjectKeyIdentifier=hash\n`,
  );
  run('req', '-x509', '-new', '-key', 'ca.key', '-days', '30', '-config', 'ca.cnf', '-out', 'ca.pem');
  return {
    dir,
    caFile: path.join(dir, 'ca.pem'),
    issue(name, spiffeId) {
      run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
      run('req', '-new', '-key', `${name}.key`, '-subj', `/O=${name}`, '-out', `${name}.csr`);
      const extensions = [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature',
        'extendedKeyUsage=serverAuth,clientAuth',
        `subjectAltName=URI:${spiffeId},DNS:localhost`,
      ];
      writeFileSync(path.join(dir, `${name}.ext`), extensions.join('\n'));
      const ca = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
      run('x509', '-req', '-in', `${name}.csr`, ...ca, '-days', '1', '-extfile', `${name}.ext`, '-out', `${name}.crt`);
      return { cert: path.join(dir, `${name}.crt`), key: path.join(dir, `${name}.key`) };
    },
  };
}
