// What docs/identity.md shows for cert-manager, Vault, step-ca and Istio works as it stands: the configuration is read, the
// files are made as each tool makes them, and one rotation is done in its way.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { loadConfig } from '../../src/config/load-config.ts';
import type { PosternError } from '../../src/errors.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import type { IdentitySource } from '../../src/identity/source.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { LatestValue } from '../../src/lib/latest.ts';
import { openIdentity } from '../../src/runtime/identity-runtime.ts';
import { openPolicy } from '../harness/mesh.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { type IssuedPem, issuingPki, type KeyForm } from './issuer-files.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/identity.md'), 'utf8');

function block(name: string): string {
  const found = new RegExp(`\`\`\`yaml\\n# ${name}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  assert.ok(found !== undefined, `docs/identity.md has a block \`${name}\``);
  return found;
}

type Lived = { after(fn: () => Promise<void> | void): void };

interface Opened {
  readonly source: IdentitySource;
  readonly warned: readonly PosternError[];
  readonly refused: readonly PosternError[];
}

/** The identity of an example, whose `folder` is `dir` here. */
async function openExample(t: Lived, name: string, folder: string, dir: string): Promise<Opened> {
  const home = temporaryFolder(t);
  mkdirSync(path.join(home, 'policies'));
  put(home, 'policies/open.yaml', openPolicy);
  const text = block(name);
  assert.equal(text.split(`${folder}/`).length, 4, 'three files, all in the folder');
  const rest =
    'inbound: [{ name: api, listen: 127.0.0.1:8443, forward: "http://127.0.0.1:8080" }]\npolicy: { paths: [policies/] }\n';
  const file = put(home, 'postern.yaml', `version: 1\n${text.replaceAll(folder, dir)}${rest}`);
  const { config } = await loadConfig(file, {}, home);
  const [warned, refused]: [PosternError[], PosternError[]] = [[], []];
  const fail = (error: unknown): void => assert.fail(String(error));
  const source = await openIdentity(config.identity, {
    clock: systemClock,
    isProduction: true,
    revocations: new LatestValue(RevocationList.empty, fail),
    onRefused: (error) => void refused.push(error),
    onWarning: (error) => void warned.push(error),
    onListenerError: fail,
  });
  t.after(() => source.close());
  return { source, warned, refused };
}

/** Waits until the certificate in use is this one. */
async function taken({ source }: Opened, { cert }: IssuedPem): Promise<void> {
  const wanted = firstOf(cert);
  await waitFor('the new certificate', () => firstOf(source.current.svid.certChainPem) === wanted, 20_000);
}

const firstOf = (pem: string): string => pem.slice(0, pem.indexOf('-----END')).replaceAll(/\s/g, '');

/** Writes all files into a new folder and swaps the link to it, as kubelet and CSI drivers do. */
function swap(dir: string, version: string, files: Readonly<Record<string, string>>): void {
  const link = path.join(dir, '..data');
  const before = existsSync(link) ? readlinkSync(link) : null;
  mkdirSync(path.join(dir, version));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, version, name), text, { mode: 0o600 });
  symlinkSync(version, `${link}_tmp`);
  renameSync(`${link}_tmp`, link);
  if (before !== null) rmSync(path.join(dir, before), { recursive: true });
  else for (const name of Object.keys(files)) symlinkSync(path.join('..data', name), path.join(dir, name));
}

/** Writes beside and renames, as agents do. */
function replace(dir: string, name: string, text: string, mode = 0o600): void {
  writeFileSync(path.join(dir, `.${name}.tmp`), text, { mode });
  renameSync(path.join(dir, `.${name}.tmp`), path.join(dir, name));
}

const both = 'extendedKeyUsage=serverAuth,clientAuth';
const ecPkcs1: KeyForm = { algorithm: 'ec', encoding: 'traditional' };
const codes = (errors: readonly PosternError[]): string[] => errors.map((error) => error.code);

const certificate = z.looseObject({
  spec: z.looseObject({ uris: z.array(z.string()), usages: z.array(z.string()) }),
});

for (const [tool, form] of [
  ['cert-manager with a Secret', ecPkcs1],
  ['csi-driver-spiffe', { algorithm: 'ec', encoding: 'pkcs8' }],
] as const) {
  test(`${tool}: the files are those of the example, a rotation swaps the link to them`, async (t) => {
    const { uris, usages } = certificate.parse(parse(block('cert-manager-certificate'))).spec;
    assert.deepEqual(usages, ['digital signature', 'server auth', 'client auth']);
    const usage = 'keyUsage=critical,digitalSignature';
    const lines = ['basicConstraints=critical,CA:FALSE', usage, both, `subjectAltName=critical,URI:${uris[0]}`];
    const pki = issuingPki(temporaryFolder(t), { subject: '/CN=acme-ca', intermediate: true, leafSubject: '/' });
    const files = ({ cert, key }: IssuedPem) => ({ 'tls.crt': cert + pki.issuing, 'tls.key': key, 'ca.crt': pki.root });
    const dir = temporaryFolder(t);
    const [first, second] = [pki.issue(lines, form), pki.issue(lines, form)];
    swap(dir, '..2027_01_01', files(first));
    const opened = await openExample(t, 'cert-manager-example', '/var/run/svid', dir);
    assert.equal(opened.source.current.svid.id.toString(), uris[0]);
    swap(dir, '..2027_01_02', files(second));
    await taken(opened, second);
    assert.deepEqual([codes(opened.refused), codes(opened.warned)], [[], []]);
  });
}

test('Vault: key and certificate in one file, which a rotation renames into place', async (t) => {
  const [, id] = /uri_sans=(spiffe:[^\\]+)/.exec(page)!;
  const usage = 'keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement';
  const pki = issuingPki(temporaryFolder(t), { subject: '/CN=acme', intermediate: true, leafSubject: '/' });
  const issue = () => pki.issue([usage, both, `subjectAltName=critical,URI:${id}`], ecPkcs1);
  const dir = temporaryFolder(t);
  const [first, second] = [issue(), issue()];
  replace(dir, 'svid.pem', `${first.key}\n${first.cert}\n`);
  replace(dir, 'ca.pem', `${pki.issuing}${pki.root}\n`, 0o644);
  const opened = await openExample(t, 'vault-example', '/run/vault-agent', dir);
  assert.equal(opened.source.current.svid.id.toString(), id);
  replace(dir, 'svid.pem', `${second.key}\n${second.cert}\n`);
  await taken(opened, second);
  assert.deepEqual([codes(opened.refused), codes(opened.warned)], [[], []]);
});

test('step-ca: a renewal writes over the certificate and keeps the key, a rekey writes over both', async (t) => {
  const [, id] = /step ca certificate .* --san (spiffe:\S+)/.exec(page)!;
  const subject = { subject: '/O=Acme/CN=Acme', intermediate: true, leafSubject: '/CN=payments-api' };
  const pki = issuingPki(temporaryFolder(t), subject);
  const lines = ['keyUsage=critical,digitalSignature', both, `subjectAltName=URI:${id},DNS:localhost`];
  const dir = temporaryFolder(t);
  const overwrite = (name: string, text: string) => writeFileSync(path.join(dir, name), text, { mode: 0o600 });
  const first = pki.issue(lines, ecPkcs1);
  overwrite('tls.crt', first.cert + pki.issuing);
  overwrite('tls.key', first.key);
  overwrite('root.crt', pki.root);
  const opened = await openExample(t, 'step-ca-example', '/etc/postern', dir);
  assert.equal(opened.source.current.svid.id.toString(), id);
  const renewed = pki.issue(lines, ecPkcs1, first.key);
  overwrite('tls.crt', renewed.cert + pki.issuing);
  await taken(opened, renewed);
  const rekeyed = pki.issue(lines, ecPkcs1);
  overwrite('tls.crt', rekeyed.cert + pki.issuing);
  overwrite('tls.key', rekeyed.key);
  await taken(opened, rekeyed);
  assert.deepEqual([codes(opened.refused), codes(opened.warned)], [[], []]);
});

test("Istio's CA: RSA keys, a chain with its root, files that are renamed one by one, and a key that others may read", async (t) => {
  const id = 'spiffe://cluster.local/ns/payments/sa/api';
  const usage = 'keyUsage=critical,digitalSignature,keyEncipherment';
  const lines = [usage, both, 'basicConstraints=critical,CA:FALSE', `subjectAltName=critical,URI:${id}`];
  const form: KeyForm = { algorithm: 'rsa', encoding: 'traditional' };
  const pki = issuingPki(temporaryFolder(t), { subject: '/O=cluster.local', intermediate: false, leafSubject: '/' });
  const dir = temporaryFolder(t);
  const output = ({ cert, key }: IssuedPem): void => {
    replace(dir, 'key.pem', key, 0o644);
    replace(dir, 'cert-chain.pem', cert + pki.root, 0o644);
    replace(dir, 'root-cert.pem', pki.root, 0o644);
  };
  output(pki.issue(lines, form));
  const opened = await openExample(t, 'istio-example', '/etc/istio-certs', dir);
  assert.equal(opened.source.current.svid.id.toString(), id);
  const second = pki.issue(lines, form);
  output(second);
  await taken(opened, second);
  assert.deepEqual(codes(opened.refused), []);
  assert.deepEqual([...new Set(codes(opened.warned))], ['ERR_IDENTITY_KEY_EXPOSED']);
});

test('the annotations for Istio hand the files over where the example looks for them', () => {
  const annotations = z.record(z.string(), z.string()).parse(parse(block('istio-annotations')));
  const mounts = z.array(z.object({ name: z.string(), mountPath: z.string() }));
  const [mount] = mounts.parse(JSON.parse(annotations['sidecar.istio.io/userVolumeMount'] ?? ''));
  const proxy: unknown = parse(annotations['proxy.istio.io/config'] ?? '');
  assert.deepEqual(proxy, { proxyMetadata: { OUTPUT_CERTS: mount?.mountPath } });
  assert.equal(mount?.mountPath, '/etc/istio-certs');
});
