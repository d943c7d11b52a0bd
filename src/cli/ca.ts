// `postern ca init|issue`: the embedded development CA, for demos and tests.

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { PosternError } from '../errors.ts';
import { createDevCa, devCaTrustDomain, loadDevCa } from '../identity/dev-ca.ts';
import { replaceFile } from '../identity/dev-ca-file.ts';
import { isoTime } from '../identity/iso-time.ts';
import { parseDuration } from '../lib/duration.ts';
import type { CliIo } from './cli-io.ts';
import { collect } from './identity-inputs.ts';
import { addExamples } from './program.ts';

/** Adds `postern ca`. */
export function registerCaCommand(program: Command, io: CliIo): void {
  const ca = program
    .command('ca')
    .description('The embedded CA for demos and tests; it refuses to work in production.');
  registerInit(ca, io);
  registerIssue(ca, io);
}

function registerInit(ca: Command, io: CliIo): void {
  const init = ca
    .command('init')
    .description('Make a CA: its key and certificate, and the bundle that others trust.')
    .requiredOption('--dir <dir>', 'folder of the CA')
    .requiredOption('--trust-domain <name>', 'trust domain, such as prod.acme.com')
    .option('--json', 'print the outcome as JSON')
    .action((options: InitOptions) => runInit(options, io));
  addExamples(init, [['postern ca init --dir ca --trust-domain prod.acme.com', 'a CA for one trust domain']]);
}

function registerIssue(ca: Command, io: CliIo): void {
  const issue = ca
    .command('issue')
    .description('Issue an X509-SVID: tls.crt, tls.key (mode 0600) and bundle.pem.')
    .requiredOption('--dir <dir>', 'folder of the CA')
    .requiredOption('--spiffe-id <id>', 'identity, such as spiffe://prod.acme.com/ns/payments/api')
    .requiredOption('--out <dir>', 'folder for the files')
    .option('--ttl <duration>', 'lifetime, from 1s to 90d', '1h')
    .option('--dns <name>', 'DNS name beside the identity; may be repeated', collect, [])
    .option('--ip <address>', 'IP address beside the identity; may be repeated', collect, [])
    .option('--json', 'print the outcome as JSON')
    .action((options: IssueOptions) => runIssue(options, io));
  const line = 'postern ca issue --dir ca --spiffe-id spiffe://prod.acme.com/ns/payments/api --out api --dns localhost';
  addExamples(issue, [[line, 'a certificate for one workload']]);
}

interface InitOptions {
  readonly dir: string;
  readonly trustDomain: string;
  readonly json?: true;
}

interface IssueOptions {
  readonly dir: string;
  readonly spiffeId: string;
  readonly out: string;
  readonly ttl: string;
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly json?: true;
}

async function runInit(options: InitOptions, io: CliIo): Promise<void> {
  const dir = resolve(io.cwd, options.dir);
  const ca = await createDevCa({ dir, trustDomain: options.trustDomain, isProduction: isProduction(io) });
  const outcome = {
    trust_domain: ca.trustDomain.name,
    bundle: join(dir, 'bundle.pem'),
    not_after: isoTime(ca.notAfterMs),
  };
  const text = `made the CA of ${outcome.trust_domain} in ${dir}, valid until ${outcome.not_after}; others trust ${outcome.bundle}`;
  io.out(options.json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
}

async function runIssue(options: IssueOptions, io: CliIo): Promise<void> {
  const dir = resolve(io.cwd, options.dir);
  const out = resolve(io.cwd, options.out);
  const trustDomain = (await devCaTrustDomain(dir)).name;
  const ca = await loadDevCa({ dir, trustDomain, isProduction: isProduction(io) });
  const ttlMs = parseDuration(options.ttl);
  const svid = await ca.issue({ spiffeId: options.spiffeId, ttlMs, dnsNames: options.dns, ipAddresses: options.ip });
  await makeFolder(out);
  // Key first: whoever watches the certificate finds a key that fits.
  await replaceFile(join(out, 'tls.key'), svid.keyPem, 0o600);
  await replaceFile(join(out, 'tls.crt'), svid.certChainPem, 0o644);
  await replaceFile(join(out, 'bundle.pem'), ca.bundlePem, 0o644);
  const outcome = { ...svid.toJSON(), not_after: isoTime(svid.notAfterMs), out };
  const text = `issued ${svid.id} until ${isoTime(svid.notAfterMs)}: tls.crt, tls.key and bundle.pem in ${out}`;
  io.out(options.json ? `${JSON.stringify(outcome)}\n` : `${text}\n`);
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new PosternError('ERR_DEV_CA_STORE', `the folder \`${dir}\` cannot be made (${code})`, { cause });
  }
}

function isProduction(io: CliIo): boolean {
  return io.env['NODE_ENV'] === 'production';
}
