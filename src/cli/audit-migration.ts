// `postern audit plaintext|shadow`: who still comes in without TLS, and whose denies are let pass.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type MigrationKind, type MigrationReport, reportMigration } from '../audit/migration-report.ts';
import { systemClock } from '../lib/clock.ts';
import type { Paint } from '../lib/paint.ts';
import { printable } from '../lib/printable-text.ts';
import { parseInstantUs } from './audit-inputs.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { addExamples } from './program.ts';

interface MigrationFlags {
  readonly journal: string;
  readonly since?: string;
  readonly until?: string;
  readonly json?: true;
  readonly exitCode?: true;
}

const abouts: Readonly<Record<MigrationKind, { readonly what: string; readonly none: string; readonly why: string }>> =
  {
    plaintext: {
      what: 'Who still comes in without TLS (`plaintext: permit`), how often, and when last.',
      none: 'nobody came in without TLS: `plaintext: refuse` would refuse nobody',
      why: 'can the listener refuse plain connections',
    },
    shadow: {
      what: 'Which denies were let pass (`mode: shadow`), how often, and when last.',
      none: 'no deny was let pass: `mode: enforce` would deny nobody who was let in',
      why: 'can the listener enforce',
    },
  };

/** Adds both commands to `postern audit`. */
export function registerMigrationCommands(audit: Command, io: CliIo): void {
  for (const kind of ['plaintext', 'shadow'] as const) {
    const command = audit
      .command(kind)
      .description(abouts[kind].what)
      .requiredOption('--journal <dir>', 'folder of the journal (`audit.journal.dir`)')
      .option('--since <time>', 'RFC 3339, or how long ago: `15m`, `24h`')
      .option('--until <time>', 'as --since; this moment is not included')
      .option('--exit-code', 'exit with 1 when there is anybody')
      .option('--json', 'print JSON')
      .action((flags: MigrationFlags) => run(kind, flags, io));
    addExamples(command, [[`postern audit ${kind} --journal DIR --since 7d --exit-code`, abouts[kind].why]]);
  }
}

async function run(kind: MigrationKind, flags: MigrationFlags, io: CliIo): Promise<void> {
  const nowUs = systemClock.nowUs();
  const report = await reportMigration(resolve(io.cwd, flags.journal), kind, {
    sinceUs: flags.since === undefined ? undefined : parseInstantUs(flags.since, '--since', nowUs),
    untilUs: flags.until === undefined ? undefined : parseInstantUs(flags.until, '--until', nowUs),
  });
  io.out(flags.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(kind, report, io.paint));
  if (flags.exitCode && report.rows.length > 0) io.setExitCode(exitCodes.no);
}

function formatReport(kind: MigrationKind, { rows, untold }: MigrationReport, paint: Paint): string {
  if (rows.length === 0) return `${paint.green(abouts[kind].none)}\n`;
  const lines = rows.map(({ listener, who, resource, action, allowed, denied, lastSeen }) => {
    const counts =
      denied > 0 && allowed > 0 ? `${allowed} allowed, ${denied} denied` : allowed > 0 ? 'allowed' : 'denied';
    const what = printable(`${who} -> ${listener}: ${action} ${resource}`);
    return `${paint.bold(String(allowed + denied).padStart(8))}  last ${lastSeen.slice(0, 19)}Z  ${what} (${counts})`;
  });
  if (untold > 0) lines.push(paint.yellow(`and ${untold} records of further callers`));
  return `${lines.join('\n')}\n`;
}
