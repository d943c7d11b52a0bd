// `postern inventory revoke`: takes the right from an identity, a certificate or a token, with a line in the change log.

import { X509Certificate } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { PosternError } from '../errors.ts';
import { replaceFile } from '../identity/dev-ca-file.ts';
import { isoTime } from '../identity/iso-time.ts';
import type { RevokedBy } from '../identity/revocation-list.ts';
import { type NewRevocation, withRevocation } from '../identity/revocations-edit.ts';
import { systemClock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import type { CliIo } from './cli-io.ts';
import { readCertificateText } from './identity-inputs.ts';
import { addExamples } from './program.ts';

/** Adds `postern inventory`. */
export function registerInventoryCommand(program: Command, io: CliIo): void {
  const inventory = program.command('inventory').description('Identities and their rights over time.');
  const revoke = inventory
    .command('revoke')
    .description('Add a row to the list of revocations; a running Postern that has it applies it within a second.')
    .option('-c, --config <file>', 'configuration that names the list (`policy.revocations`)')
    .option('--file <file>', 'the list itself')
    .option('--spiffe-id <pattern>', 'revoke identities: `*` is one segment, `**` one or more')
    .option('--serial <hex>', 'revoke a certificate by its serial')
    .option('--trust-domain <name>', 'with --serial: of this trust domain only')
    .option('--fingerprint <sha256>', 'revoke a certificate by its SHA-256 fingerprint')
    .option('--cert <file>', 'revoke the first certificate of this PEM file, by its fingerprint')
    .option('--jti <id>', 'revoke a token')
    .requiredOption('--reason <text>', 'why; it stands in the records of those who are refused')
    .option('--until <time>', 'when it ends: a duration (30d is 720h) or 2026-12-24T18:00:00Z; default: never')
    .option('--json', 'print the row as JSON')
    .action((options: RevokeOptions) => runRevoke(options, io));
  addExamples(revoke, [
    ['postern inventory revoke -c postern.yaml --cert tls.crt --reason "laptop lost"', 'one certificate'],
    [
      'postern inventory revoke --file revocations.yaml --spiffe-id "spiffe://prod.acme.com/ns/old/**" --reason retired',
      'all identities of a namespace',
    ],
  ]);
}

interface RevokeOptions {
  readonly config?: string;
  readonly file?: string;
  readonly spiffeId?: string;
  readonly serial?: string;
  readonly trustDomain?: string;
  readonly fingerprint?: string;
  readonly cert?: string;
  readonly jti?: string;
  readonly reason: string;
  readonly until?: string;
  readonly json?: true;
}

async function runRevoke(options: RevokeOptions, io: CliIo): Promise<void> {
  const nowMs = systemClock.nowMs();
  const file = await listFile(options, io);
  const row: NewRevocation = {
    ...(await subjectOf(options, io)),
    trustDomain: options.trustDomain ?? null,
    reason: options.reason,
    until: untilOf(options.until, nowMs),
  };
  const text = withRevocation(await textOrNull(file), row, file);
  try {
    await replaceFile(file, text, 0o644);
  } catch (cause) {
    throw new PosternError('ERR_IDENTITY_FILE', `cannot write \`${file}\``, { cause, mend: 'make it writable' });
  }
  await logChange(`${file}.log`, row, nowMs);
  const said = { file, [row.by]: row.value, reason: row.reason, until: row.until };
  const end = row.until === null ? 'for good' : `until ${row.until}`;
  io.out(options.json ? `${JSON.stringify(said)}\n` : `revoked ${row.by} ${row.value} ${end} in ${file}\n`);
}

async function listFile(options: RevokeOptions, io: CliIo): Promise<string> {
  if ((options.config === undefined) === (options.file === undefined)) {
    throw new PosternError('ERR_USAGE', 'one of --config and --file is needed');
  }
  if (options.file !== undefined) return resolve(io.cwd, options.file);
  const { config } = await loadConfig(options.config!, io.env, io.cwd);
  if (config.policy.revocationsFile !== null) return config.policy.revocationsFile;
  const mend = 'add for example `policy: { revocations: revocations.yaml }`';
  throw new PosternError('ERR_USAGE', `\`${options.config}\` names no list of revocations`, { mend });
}

async function subjectOf(
  options: RevokeOptions,
  io: CliIo,
): Promise<{ readonly by: RevokedBy; readonly value: string }> {
  const { spiffeId, serial, fingerprint, cert, jti } = options;
  const given: readonly (readonly [RevokedBy, string | undefined])[] = [
    ['spiffe_id', spiffeId],
    ['serial', serial],
    ['fingerprint_sha256', cert === undefined ? fingerprint : await fingerprintOfFile(cert, io)],
    ['jti', jti],
  ];
  const named = given.filter(([, value]) => value !== undefined);
  if (named.length !== 1 || (cert !== undefined && fingerprint !== undefined)) {
    const mend = 'name one: --spiffe-id, --serial, --fingerprint, --cert or --jti';
    throw new PosternError('ERR_USAGE', 'exactly one credential is revoked at a time', { mend });
  }
  return { by: named[0]![0], value: named[0]![1]! };
}

async function fingerprintOfFile(file: string, io: CliIo): Promise<string> {
  const text = await readCertificateText(file, io);
  try {
    return new X509Certificate(text).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch (cause) {
    throw new PosternError('ERR_SVID_CERTIFICATE', `\`${file}\` holds no certificate`, { cause });
  }
}

function untilOf(text: string | undefined, nowMs: number): string | null {
  if (text === undefined) return null;
  return text.includes('T') ? text : isoTime(nowMs + parseDuration(text));
}

async function textOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new PosternError('ERR_IDENTITY_FILE', `cannot read \`${file}\``, { cause });
  }
}

/** Who did what and why, one JSON object a line. */
async function logChange(file: string, row: NewRevocation, nowMs: number): Promise<void> {
  const line = { time: isoTime(nowMs), user: userInfo().username, change: 'revoke', ...row };
  try {
    await appendFile(file, `${JSON.stringify(line)}\n`, { flush: true });
  } catch (cause) {
    const mend = `the revocation is in force; write down by hand what \`${file}\` lacks`;
    throw new PosternError('ERR_IDENTITY_FILE', `cannot write the change log \`${file}\``, { cause, mend });
  }
}
