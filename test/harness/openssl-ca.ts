// A CA with its database as operators of `openssl ca` run it: it issues, revokes and writes revocation lists.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface OpensslCaOptions {
  readonly name: string;
  readonly trustDomain: string;
  /** The CA that issued this one; a root where there is none. */
  readonly parent?: OpensslCa;
  /** Key usages of the CA. */
  readonly keyUsage?: string;
}

/** What `openssl ca -gencrl` is told. */
export interface CrlWish {
  /** Seconds from now, negative for the past; default: a minute ago to an hour ahead. */
  readonly fromS?: number;
  readonly untilS?: number;
  readonly digest?: string;
  /** Lines of the extensions of the list; without any it is of version 1. */
  readonly extensions?: readonly string[];
}

export interface IssuedByOpenssl {
  readonly file: string;
  readonly pem: string;
  readonly keyPem: string;
}

export class OpensslCa {
  readonly dir: string;
  readonly pem: string;
  readonly #trustDomain: string;
  #issued = 0;

  constructor(root: string, { name, trustDomain, parent, keyUsage = 'keyCertSign,cRLSign' }: OpensslCaOptions) {
    this.dir = path.join(root, name);
    this.#trustDomain = trustDomain;
    mkdirSync(this.dir);
    writeFileSync(path.join(this.dir, 'index.txt'), '');
    writeFileSync(path.join(this.dir, 'serial'), 'A0F1\n');
    writeFileSync(path.join(this.dir, 'crlnumber'), '01\n');
    this.#configure([]);
    const extensions = `basicConstraints=critical,CA:TRUE\nkeyUsage=critical,${keyUsage}\nsubjectKeyIdentifier=hash\n`;
    writeFileSync(
      path.join(this.dir, 'ca.ext'),
      parent === undefined ? extensions : `${extensions}authorityKeyIdentifier=keyid\n`,
    );
    this.#run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ca.key');
    this.#run('req', '-new', '-key', 'ca.key', '-subj', `/O=Test/CN=${name}`, '-out', 'ca.csr', '-config', 'ca.cnf');
    if (parent === undefined) {
      this.#run(
        'x509',
        '-req',
        '-in',
        'ca.csr',
        '-signkey',
        'ca.key',
        '-days',
        '30',
        '-extfile',
        'ca.ext',
        '-out',
        'ca.pem',
      );
    } else parent.sign(path.join(this.dir, 'ca.csr'), path.join(this.dir, 'ca.ext'), path.join(this.dir, 'ca.pem'));
    this.pem = readFileSync(path.join(this.dir, 'ca.pem'), 'utf8');
  }

  issue(spiffePath: string): IssuedByOpenssl {
    const name = `leaf-${this.#issued++}`;
    const file = path.join(this.dir, `${name}.pem`);
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      'authorityKeyIdentifier=keyid',
      `subjectAltName=URI:spiffe://${this.#trustDomain}${spiffePath},DNS:localhost`,
    ];
    writeFileSync(path.join(this.dir, `${name}.ext`), extensions.join('\n'));
    this.#run('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
    this.#run(
      'req',
      '-new',
      '-key',
      `${name}.key`,
      '-subj',
      `/O=Test/CN=${name}`,
      '-out',
      `${name}.csr`,
      '-config',
      'ca.cnf',
    );
    this.sign(path.join(this.dir, `${name}.csr`), path.join(this.dir, `${name}.ext`), file);
    return { file, pem: readFileSync(file, 'utf8'), keyPem: readFileSync(path.join(this.dir, `${name}.key`), 'utf8') };
  }

  /** Issues what a request asks for. */
  sign(csr: string, extensions: string, out: string): void {
    this.#run(
      'ca',
      '-batch',
      '-config',
      'ca.cnf',
      '-in',
      csr,
      '-extfile',
      extensions,
      '-days',
      '20',
      '-notext',
      '-out',
      out,
    );
  }

  revoke(file: string, reason = 'keyCompromise'): void {
    this.#run('ca', '-config', 'ca.cnf', '-revoke', file, '-crl_reason', reason);
  }

  /** Writes the list of now; gives its PEM. */
  crl({
    fromS = -60,
    untilS = 3_600,
    digest = 'sha256',
    extensions = ['authorityKeyIdentifier=keyid'],
  }: CrlWish = {}): string {
    this.#configure(extensions);
    const section = extensions.length === 0 ? [] : ['-crlexts', 'crl_ext'];
    const times = ['-crl_lastupdate', asn1Time(fromS), '-crl_nextupdate', asn1Time(untilS)];
    this.#run('ca', '-config', 'ca.cnf', '-gencrl', '-md', digest, ...times, ...section, '-out', 'ca.crl');
    return readFileSync(path.join(this.dir, 'ca.crl'), 'utf8');
  }

  #configure(crlExtensions: readonly string[]): void {
    const ca = [
      '[ca]',
      'default_ca=own',
      '[own]',
      `dir=${this.dir}`,
      'database=$dir/index.txt',
      'new_certs_dir=$dir',
      'serial=$dir/serial',
      ...(crlExtensions.length === 0 ? [] : ['crlnumber=$dir/crlnumber']),
      'certificate=$dir/ca.pem',
      'private_key=$dir/ca.key',
      'default_md=sha256',
      'policy=any',
      'unique_subject=no',
      '[any]',
      'organizationName=optional',
      'commonName=optional',
      '[req]',
      'distinguished_name=dn',
      '[dn]',
      '[crl_ext]',
      ...crlExtensions,
    ];
    writeFileSync(path.join(this.dir, 'ca.cnf'), `${ca.join('\n')}\n`);
  }

  #run(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.dir, stdio: 'pipe' });
  }
}

function asn1Time(fromNowS: number): string {
  const text = new Date(Date.now() + fromNowS * 1000).toISOString();
  return `${text.replaceAll(/[-T:]|\.\d+/g, '')}`;
}
