// `postern audit tail|query|export|verify`: reading the journal of decisions.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { queryJournal } from '../audit/query.ts';
import { readableRecord } from '../audit/readable-record.ts';
import { asciiJson } from '../audit/record-text.ts';
import { tailDefaults, tailJournal } from '../audit/tail.ts';
import { verifyJournal } from '../audit/verify.ts';
import { systemClock } from '../lib/clock.ts';
import { printable } from '../lib/printable-text.ts';
import { registerExport } from './audit-export.ts';
import { parseChoice, parseCount, parseInstantUs } from './audit-inputs.ts';
import { registerMigrationCommands } from './audit-migration.ts';
import { registerShip } from './audit-ship.ts';
import { signatureJudge } from './audit-signatures.ts';
import { formatVerdict } from './audit-text.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { collect } from './identity-inputs.ts';
import { addExamples } from './program.ts';

/** Adds `postern audit`. */
export function registerAuditCommand(program: Command, io: CliIo): void {
  const audit = program.command('audit').description('Read the journal: who called what, was it allowed, and why.');
  registerTail(audit, io);
  registerQuery(audit, io);
  registerExport(audit, io);
  registerShip(audit, io);
  registerVerify(audit, io);
  registerMigrationCommands(audit, io);
}

interface JournalFlag {
  readonly journal: string;
  readonly json?: true;
}

interface VerifyFlags extends JournalFlag {
  readonly bundle: readonly string[];
  readonly signer: readonly string[];
}

interface TailFlags extends JournalFlag {
  readonly follow?: true;
  readonly lines: string;
}

interface QueryFlags extends JournalFlag {
  readonly since?: string;
  readonly until?: string;
  readonly decision?: string;
  readonly principal?: string;
  readonly resource?: string;
  readonly reason?: string;
  readonly rule?: string;
  readonly trace?: string;
  readonly id?: string;
  readonly limit?: string;
}

function registerTail(audit: Command, io: CliIo): void {
  const tail = audit
    .command('tail')
    .description('Show the last decisions, and with -f those to come.')
    .requiredOption('--journal <dir>', 'folder of the journal (`audit.journal.dir`)')
    .option('-f, --follow', 'go on until interrupted; follows rotation and restarts')
    .option('-n, --lines <count>', 'how many to begin with', String(tailDefaults.count))
    .option('--json', 'print the records as they stand')
    .action((flags: TailFlags) => runTail(flags, io));
  addExamples(tail, [['postern audit tail --journal /var/lib/postern/journal -f', 'watch decisions as they are made']]);
}

function registerQuery(audit: Command, io: CliIo): void {
  const query = audit
    .command('query')
    .description('Find decisions and outcomes. Every option given must hold; `*` stands for any characters.')
    .requiredOption('--journal <dir>', 'folder of the journal (`audit.journal.dir`)')
    .option('--since <time>', 'RFC 3339, or how long ago: `15m`, `24h`')
    .option('--until <time>', 'as --since; this moment is not included')
    .option('--decision <decision>', 'allow or deny')
    .option('--principal <id>', 'SPIFFE ID of the caller, or a pattern')
    .option('--resource <name>', 'resource name, type, host or topic, route or path, or a pattern')
    .option('--reason <code>', 'such as `default`, `rule`, `authn_failed`')
    .option('--rule <name>', 'name of the determining rule, or a pattern')
    .option('--trace <id>', 'trace id, 32 hex digits')
    .option('--id <id>', 'decision, request or connection id')
    .option('--limit <count>', 'stop after so many')
    .option('--json', 'print the records as they stand')
    .action((flags: QueryFlags) => runQuery(flags, io));
  addExamples(query, [
    ['postern audit query --journal DIR --decision deny --since 1h', 'who was refused in the last hour, and why'],
    ['postern audit query --journal DIR --principal "spiffe://*/ns/payments/*" --json', 'all that one namespace did'],
    ['postern audit query --journal DIR --id 019a…', 'one decision and how its request ended'],
  ]);
}

function registerVerify(audit: Command, io: CliIo): void {
  const verify = audit
    .command('verify')
    .description('Check every seal, number and stream; exit code 1 when anything was changed or is missing.')
    .requiredOption('--journal <dir>', 'folder of the journal (`audit.journal.dir`)')
    .option(
      '--bundle <domain=file>',
      'trust bundle of a trust domain: seals must be signed by an SVID of it, valid when they were made; repeatable',
      collect,
      [],
    )
    .option('--signer <id>', 'who must have signed: a SPIFFE ID; repeatable', collect, [])
    .option('--json', 'print JSON')
    .action((flags: VerifyFlags) => runVerify(flags, io));
  addExamples(verify, [
    ['postern audit verify --journal /var/lib/postern/journal', 'is the journal as it was written'],
    [
      'postern audit verify --journal DIR --bundle acme.com=bundle.pem --signer spiffe://acme.com/payments',
      'is it what that sidecar signed',
    ],
  ]);
}

async function runTail(flags: TailFlags, io: CliIo): Promise<void> {
  const count = parseCount(flags.lines, '--lines');
  // Nothing here aborts: an interrupt ends the process.
  const { signal } = new AbortController();
  const options = { ...tailDefaults, count, follow: flags.follow === true, signal };
  for await (const line of tailJournal(resolve(io.cwd, flags.journal), options)) printRecord(line, flags, io);
}

async function runQuery(flags: QueryFlags, io: CliIo): Promise<void> {
  const nowUs = systemClock.nowUs();
  const found = queryJournal(
    resolve(io.cwd, flags.journal),
    {
      sinceUs: flags.since === undefined ? undefined : parseInstantUs(flags.since, '--since', nowUs),
      untilUs: flags.until === undefined ? undefined : parseInstantUs(flags.until, '--until', nowUs),
      decision:
        flags.decision === undefined
          ? undefined
          : parseChoice(flags.decision, '--decision', ['allow', 'deny'] as const),
      limit: flags.limit === undefined ? undefined : parseCount(flags.limit, '--limit'),
      principal: flags.principal,
      resource: flags.resource,
      reason: flags.reason,
      rule: flags.rule,
      trace: flags.trace,
      id: flags.id,
    },
    (path, byteCount) => io.err(tornWarning(path, byteCount)),
  );
  for await (const { line } of found) printRecord(line, flags, io);
}

function tornWarning(path: string, byteCount: number): string {
  return `postern: ${printable(path)} ends with ${byteCount} bytes that are no whole line: torn, or being written\n`;
}

async function runVerify(flags: VerifyFlags, io: CliIo): Promise<void> {
  const judge = await signatureJudge(flags, io);
  const verdict = await verifyJournal(resolve(io.cwd, flags.journal), judge);
  io.out(flags.json ? `${JSON.stringify(verdict, null, 2)}\n` : formatVerdict(verdict, io.paint));
  if (!verdict.intact) io.setExitCode(exitCodes.no);
}

function printRecord(line: string, flags: JournalFlag, io: CliIo): void {
  if (!flags.json) io.out(`${readableRecord(line, io.paint)}\n`);
  // Records are ASCII; whoever changed the file may not have kept to that.
  else if (/^[\x20-\x7e]*$/.test(line)) io.out(`${line}\n`);
  else io.out(`${asciiJson({ not_a_record: line.slice(0, 1024) })}\n`);
}
