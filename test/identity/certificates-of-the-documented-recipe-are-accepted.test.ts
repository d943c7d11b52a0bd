// docs/identity.md is true: its openssl recipe makes what Postern accepts, and its table is the one in the code.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { filesSourceDefaults, openFilesSource } from '../../src/identity/files-source.ts';
import { inspectCertificates } from '../../src/identity/inspect.ts';
import { refusalCauses } from '../../src/identity/refusal-causes.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { temporaryFolder } from './folders.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/identity.md'), 'utf8');
const folder = temporaryFolder();

before(() => {
  const recipe = /```sh\n# openssl-recipe\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(recipe, 'the page has a recipe');
  execFileSync('sh', ['-eu', '-c', recipe], { cwd: folder, stdio: 'pipe' });
});

test('the recipe of docs/identity.md makes an identity that a sidecar starts with', async () => {
  const [certFile, keyFile, bundleFile] = ['tls.crt', 'tls.key', 'bundle.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const fail = (error: unknown) => assert.fail(String(error));
  const source = await openFilesSource({
    ...filesSourceDefaults,
    certFile,
    keyFile,
    bundleFile,
    federation: [],
    clock: systemClock,
    onRefused: fail,
    onWarning: fail,
    onListenerError: fail,
  });
  await source.close();
  assert.equal(source.current.svid.id.toString(), 'spiffe://prod.acme.com/ns/payments/api');
});

/** A leaf that openssl makes with these extensions, signed by the recipe's CA. */
function opensslLeaf(
  extensions: string,
  key: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  digest = '-sha256',
): string {
  writeFileSync(join(folder, 'bad.ext'), extensions);
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' }).toString();
  run('genpkey', '-algorithm', ...key, '-out', 'bad.key');
  run('req', '-new', '-key', 'bad.key', '-subj', '/O=x', '-out', 'bad.csr');
  return run(
    'x509',
    '-req',
    '-in',
    'bad.csr',
    '-CA',
    'bundle.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    digest,
    '-days',
    '1',
    '-extfile',
    'bad.ext',
  );
}

const good = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'subjectAltName=URI:spiffe://prod.acme.com/x',
];
const without = (name: string, instead = '') => [...good.filter((line) => !line.startsWith(name)), instead].join('\n');

const made: readonly [what: string, make: () => string, causes: readonly string[]][] = [
  ['nothing wrong', () => opensslLeaf(good.join('\n')), []],
  ['RSA 2048', () => opensslLeaf(good.join('\n'), ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']), []],
  ['CA:TRUE', () => opensslLeaf(without('basicConstraints', 'basicConstraints=CA:TRUE')), ['leaf_is_ca']],
  ['keyCertSign', () => opensslLeaf(without('keyUsage', 'keyUsage=digitalSignature,keyCertSign')), ['leaf_can_sign']],
  [
    'two URIs',
    () =>
      opensslLeaf(
        without('subjectAltName', 'subjectAltName=URI:spiffe://prod.acme.com/x,URI:spiffe://prod.acme.com/y'),
      ),
    ['uri_san_count'],
  ],
  ['no SAN', () => opensslLeaf(without('subjectAltName')), ['uri_san_count']],
  ['RSA 1024', () => opensslLeaf(good.join('\n'), ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024']), ['key_weak']],
  ['SHA-1', () => opensslLeaf(good.join('\n'), undefined, '-sha1'), ['signature_weak']],
  ['serverAuth alone', () => opensslLeaf([...good, 'extendedKeyUsage=serverAuth'].join('\n')), ['extended_key_usage']],
];

for (const [what, make, causes] of made) {
  test(`of openssl, a leaf with ${what}: ${causes.join(', ') || 'accepted'}`, () => {
    const { findings, accepted } = inspectCertificates({
      text: make(),
      file: 'x',
      bundles: null,
      revocations: RevocationList.empty,
      roles: ['client'],
      nowMs: Date.now(),
    });
    assert.deepEqual(
      findings.filter((one) => one.severity === 'error').map((one) => one.cause),
      causes,
    );
    assert.equal(accepted, causes.length === 0);
  });
}

test('the table of causes on the page is the one in the code', () => {
  const rows = Object.entries(refusalCauses).map(([cause, { means, mend }]) => `| \`${cause}\` | ${means} | ${mend} |`);
  const table = ['| cause | what it means | mend |', '| --- | --- | --- |', ...rows].join('\n');
  const found = /<!-- refusal-causes:begin -->\n([\s\S]*?)\n?<!-- refusal-causes:end -->/.exec(page)?.[1];
  assert.equal(found, table);
});
