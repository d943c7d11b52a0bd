// `postern audit export`: the journal in an encoding that a SIEM reads.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encoders, encodingNames } from '../audit/encode/encoders.ts';
import { type ExportCounts, exportJournal } from '../audit/export.ts';
import { systemClock } from '../lib/clock.ts';
import { parseChoice, parseInstantUs } from './audit-inputs.ts';
import type { CliIo } from './cli-io.ts';
import { exitCodes } from './exit-codes.ts';
import { addExamples } from './program.ts';

interface ExportFlags {
  readonly journal: string;
  readonly encode: string;
  readonly since?: string;
  readonly until?: string;
}

const encodings = ['native', ...encodingNames] as const;

/** Adds `export` to `postern audit`. */
export function registerExport(audit: Command, io: CliIo): void {
  const command = audit
    .command('export')
    .description('Print the whole journal, a record a line, in an encoding that a SIEM reads.')
    .requiredOption('--journal <dir>', 'folder of the journal (`audit.journal.dir`)')
    .option('--encode <name>', `one of ${encodings.join(', ')}`, 'native')
    .option('--since <time>', 'RFC 3339, or how long ago: `15m`, `24h`')
    .option('--until <time>', 'as --since; this moment is not included')
    .action((flags: ExportFlags) => runExport(flags, io));
  addExamples(command, [
    ['postern audit export --journal DIR --encode ecs --since 24h', 'a day of records for Elasticsearch'],
    [
      'postern audit export --journal DIR --encode cef | logger -n siem --tcp',
      'records of the past to a syslog server',
    ],
  ]);
}

async function runExport(flags: ExportFlags, io: CliIo): Promise<void> {
  const name = parseChoice(flags.encode, '--encode', encodings);
  const nowUs = systemClock.nowUs();
  const counts: ExportCounts = { records: 0, notRecords: 0, tornBytes: 0 };
  const options = {
    encode: name === 'native' ? null : encoders[name],
    sinceUs: flags.since === undefined ? undefined : parseInstantUs(flags.since, '--since', nowUs),
    untilUs: flags.until === undefined ? undefined : parseInstantUs(flags.until, '--until', nowUs),
  };
  for await (const lines of exportJournal(resolve(io.cwd, flags.journal), options, counts)) {
    if (lines !== '') io.out(lines);
  }
  if (counts.tornBytes > 0) {
    io.err(`postern: ${counts.tornBytes} bytes that are no whole line were left out: torn, or being written\n`);
  }
  if (counts.notRecords === 0) return;
  io.err(`postern: ${counts.notRecords} lines that are no record were left out; see \`postern audit verify\`\n`);
  io.setExitCode(exitCodes.no);
}
