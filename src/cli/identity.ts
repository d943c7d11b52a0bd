// `postern identity show|inspect`: the own identity, and what Postern makes of a certificate or a token.

import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { isPosternError } from '../errors.ts';
import { compileAttributeRules } from '../identity/attributes.ts';
import type { BundleSet } from '../identity/bundle-set.ts';
import { describeIdentity } from '../identity/identity-view.ts';
import { inspectCertificates } from '../identity/inspect.ts';
import type { PeerRole } from '../identity/leaf-rules.ts';
import { withRegistry } from '../identity/registry.ts';
import { readRegistry } from '../identity/registry-file.ts';
import { readRevocations } from '../identity/revocations-source.ts';
import { systemClock } from '../lib/clock.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { collect, readBundles, readCertificateText, tokenIn } from './identity-inputs.ts';
import { readKnowledge } from './identity-knowledge.ts';
import { formatIdentity, formatInspection } from './identity-text.ts';
import { readOwnIdentity } from './own-identity.ts';
import { addExamples } from './program.ts';

async function runInspectToken(token: string, options: InspectOptions, io: CliIo): Promise<void> {
  // With jose, which nobody else pays for.
  const { formatToken, inspectTokenText } = await import('./inspect-token.ts');
  const inspection = await inspectTokenText(token, options.config ?? null, io);
  io.out(options.json ? `${JSON.stringify(inspection)}\n` : formatToken(inspection, io.paint));
  if (!inspection.accepted) io.setExitCode(exitCodes.no);
}

/** Adds `postern identity`. */
export function registerIdentityCommand(program: Command, io: CliIo): void {
  const identity = program
    .command('identity')
    .description('The own identity, and what Postern makes of a certificate or a token.');
  registerShow(identity, io);
  registerInspect(identity, io);
}

function registerShow(identity: Command, io: CliIo): void {
  const show = identity
    .command('show')
    .description('Show own SVID, trust bundles, expiry and next rotation.')
    .option('-c, --config <file>', 'configuration file', 'postern.yaml')
    .option('--json', 'print JSON')
    .action((options: ShowOptions) => runShow(options, io));
  addExamples(show, [['postern identity show -c postern.yaml', 'who this sidecar is, and whom it trusts']]);
}

function registerInspect(identity: Command, io: CliIo): void {
  const inspect = identity
    .command('inspect')
    .description(
      'Tell what Postern makes of a certificate or a token, and every reason why it would refuse it (exit code 1).',
    )
    .argument('<file>', 'PEM file, the leaf first, or a file with a token; `-` reads stdin')
    .option(
      '-c, --config <file>',
      'judge by what it trusts, revokes and takes tokens of; tell the attributes that it and its registry give',
    )
    .option(
      '--bundle <[trust-domain=]file>',
      'judge the issuer by this bundle, not those of the configuration; may be repeated',
      collect,
      [],
    )
    .addOption(
      new Option('--as <role>', 'what it is to be in handshakes').choices(['client', 'server', 'both']).default('both'),
    )
    .option('--revocations <file>', 'is it revoked by this list, not that of the configuration; with --bundle or -c')
    .option('--crl <file>', 'with --bundle: is it revoked by this CRL of its CA; may be repeated', collect, [])
    .option('--json', 'print JSON')
    .action((cert: string, options: InspectOptions) => runInspect(cert, options, io));
  addExamples(inspect, [
    ['postern identity inspect tls.crt', 'is it an X509-SVID'],
    [
      'postern identity inspect tls.crt -c postern.yaml',
      'would this sidecar let it in, and what would policy see in its owner',
    ],
    ['postern identity inspect tls.crt --bundle bundle.pem --as client', 'would it be let in as a caller'],
    ['postern identity inspect token.txt -c postern.yaml', 'would this token be taken, and whom does it name'],
    [
      'postern identity inspect tls.crt --bundle partner.example=partner.pem',
      'with the bundle of another trust domain',
    ],
  ]);
}

interface ShowOptions {
  readonly config: string;
  readonly json?: true;
}

interface InspectOptions {
  readonly bundle: readonly string[];
  readonly revocations?: string;
  readonly crl: readonly string[];
  readonly as: PeerRole | 'both';
  readonly config?: string;
  readonly json?: true;
}

async function runShow(options: ShowOptions, io: CliIo): Promise<void> {
  const { config } = await loadConfig(options.config, io.env, io.cwd);
  const { warnings, ...own } = await readOwnIdentity(config.identity, io, 'endpoints');
  const registry = await readRegistry(config.inventory.registryFile);
  const read = withRegistry(compileAttributeRules(config.identity.attributes), registry);
  const attributes = read(own.snapshot.svid.id);
  const view = describeIdentity({ ...own, attributes }, systemClock.nowMs());
  for (const warning of warnings) io.err(`postern: warning: ${warning.message} [${warning.code}]; ${warning.mend}\n`);
  io.out(options.json ? `${JSON.stringify(view)}\n` : formatIdentity(view, io.paint));
}

async function runInspect(cert: string, options: InspectOptions, io: CliIo): Promise<void> {
  const roles = options.as === 'both' ? (['client', 'server'] as const) : [options.as];
  const text = await readCertificateText(cert, io);
  const token = tokenIn(text);
  if (token !== null) return runInspectToken(token, options, io);
  const config = options.config === undefined ? null : (await loadConfig(options.config, io.env, io.cwd)).config;
  const bundles = (await readBundles(options, text, io)) ?? (await configuredBundles(config, io));
  const file = options.revocations === undefined ? null : resolve(io.cwd, options.revocations);
  const revocations = await readRevocations(file ?? config?.policy.revocationsFile ?? null);
  const nowMs = systemClock.nowMs();
  const knowsOf = await readKnowledge(config);
  const inspection = inspectCertificates({ text, file: cert, bundles, revocations, roles, nowMs });
  const known = knowsOf(inspection.spiffe_id);
  io.out(
    options.json
      ? `${JSON.stringify({ ...inspection, known })}\n`
      : formatInspection(inspection, { roles, bundles, known, paint: io.paint }),
  );
  if (!inspection.accepted) io.setExitCode(exitCodes.no);
}

/** What a sidecar of this configuration trusts; null without one, or where it has no identity now, which is told. */
async function configuredBundles(config: PosternConfig | null, io: CliIo): Promise<BundleSet | null> {
  if (config === null) return null;
  try {
    return (await readOwnIdentity(config.identity, io, 'endpoints')).snapshot.bundles;
  } catch (error) {
    if (!isPosternError(error)) throw error;
    io.err(
      `postern: warning: the issuer is not judged, for there is no own identity: ${error.message} [${error.code}]\n`,
    );
    return null;
  }
}
