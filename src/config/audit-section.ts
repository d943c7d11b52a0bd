// `audit`: where each decision goes on record before anything is forwarded.

import * as z from 'zod';
import { journalDefaults as defaults, type FsyncOption, type JournalOptions } from '../audit/journal-options.ts';
import type { SinkOptions } from '../audit/sinks/sink-options.ts';
import { formatDuration, parseDuration } from '../lib/duration.ts';
import { formatSize } from '../lib/size.ts';
import { badValue, choice, longestTimerMs, refuse, size, textField } from './fields.ts';
import { sinkSection } from './sink-section.ts';
import { fieldName, filePath } from './text-fields.ts';

const fsync = textField(parseFsync, {
  'x-form': '`always`, `off` or `interval:`duration',
  pattern: '^(always|off|interval:\\d.*)$',
  examples: ['interval:1s', 'always', 'off'],
});

/** @throws PosternError ERR_CONFIG_VALUE */
function parseFsync(text: string): FsyncOption {
  if (text === 'always' || text === 'off') return { kind: text };
  if (!text.startsWith('interval:'))
    throw badValue(`\`${text}\` is not a way to sync`, 'write `interval:1s`, `always` or `off`');
  const intervalMs = parseDuration(text.slice('interval:'.length));
  if (intervalMs >= 10 && intervalMs <= longestTimerMs) return { kind: 'interval', intervalMs };
  throw badValue(`\`${text}\` is out of range`, 'write an interval from `interval:10ms` to `interval:24d`');
}

function formatFsync(option: FsyncOption): string {
  return option.kind === 'interval' ? `interval:${formatDuration(option.intervalMs)}` : option.kind;
}

const journalSection = z
  .strictObject({
    dir: filePath('/var/lib/postern/journal')
      .prefault(defaults.dir ?? '')
      .describe('Folder of the journal.'),
    segment: size({ minBytes: 64 * 1024, maxBytes: 2 ** 30 })
      .prefault(formatSize(defaults.segmentBytes))
      .describe('Size at which a segment is ended and the next begun.'),
    keep: size({ minBytes: 128 * 1024, maxBytes: 2 ** 50 })
      .prefault(formatSize(defaults.keepBytes))
      .describe('Room for all segments; older ones are removed.'),
    when_full: choice(['deny', 'drop_oldest'])
      .prefault(defaults.whenFull)
      .describe(
        'When the room is used up by records that are still needed: deny every request, or drop the oldest and record the gap.',
      ),
    fsync: fsync
      .prefault(formatFsync(defaults.fsync))
      .describe(
        'When records go from the kernel to the disk. `kill -9` loses nothing in any case; power loss loses at most this.',
      ),
  })
  .superRefine((journal, context) => {
    if (journal.keep >= 2 * journal.segment) return;
    const mend = `write at least \`${formatSize(2 * journal.segment)}\`, or a smaller \`segment\``;
    refuse(context, badValue('`keep` has no room for two segments', mend, 'ERR_CONFIG_CONFLICT'), ['keep']);
  });

const redactSection = z.strictObject({
  path: choice(['full', 'template'])
    .prefault(defaults.redactPath)
    .describe('`template` records the path of the route in place of the path of the request.'),
  headers: z.array(fieldName()).max(32).prefault([]).describe('Request headers that are recorded, hashed.'),
});

/** `audit` as written and as parsed. */
export const auditSection = z
  .strictObject({
    journal: z
      .union([z.literal('off'), journalSection])
      .prefault({})
      .describe('`off`, or the journal: append-only files that hold each decision before it takes effect.'),
    stdout: choice(['off', 'native'], ['ecs', 'ocsf', 'cef'])
      .prefault(defaults.stdout)
      .describe('Records on standard output as well. With `journal: off` they are the record.'),
    sinks: z.array(sinkSection).max(16).prefault([]).describe('Where records are delivered to, besides the journal.'),
    redact: redactSection.prefault({}).describe('What of a request may stand in a record. Never query or tokens.'),
    outcomes: choice(['all', 'errors', 'off'])
      .prefault(defaults.outcomes)
      .describe('Which ends of requests are recorded besides the decision.'),
  })
  .superRefine((audit, context) => {
    refuseSinks(audit, context);
    if (audit.journal !== 'off' || audit.stdout !== 'off') return;
    const mend = 'set `stdout: native`, or give a journal';
    refuse(context, badValue('no decision would be on record', mend, 'ERR_CONFIG_CONFLICT'), ['journal']);
  })
  .transform(
    (audit): AuditConfig => ({
      dir: audit.journal === 'off' ? null : audit.journal.dir,
      segmentBytes: audit.journal === 'off' ? defaults.segmentBytes : audit.journal.segment,
      keepBytes: audit.journal === 'off' ? defaults.keepBytes : audit.journal.keep,
      whenFull: audit.journal === 'off' ? defaults.whenFull : audit.journal.when_full,
      fsync: audit.journal === 'off' ? defaults.fsync : audit.journal.fsync,
      stdout: audit.stdout,
      redactPath: audit.redact.path,
      redactHeaders: audit.redact.headers,
      outcomes: audit.outcomes,
      sinks: audit.sinks,
    }),
  )
  .describe('The record of each decision.');

/** What the journal takes, and which request headers the proxy hashes for it. `dir` is absolute once loaded. */
export type AuditConfig = Omit<JournalOptions, 'proxy'> & {
  readonly redactHeaders: readonly string[];
  readonly sinks: readonly SinkOptions[];
};

/** Sinks read the journal, each with a cursor of its own name. */
function refuseSinks(
  { journal, sinks }: { readonly journal: unknown; readonly sinks: readonly SinkOptions[] },
  context: z.RefinementCtx,
): void {
  if (journal === 'off' && sinks.length > 0) {
    const mend = 'give a journal, or take the sinks out';
    refuse(context, badValue('sinks are served from the journal', mend, 'ERR_CONFIG_CONFLICT'), ['sinks']);
  }
  for (const [at, { name }] of sinks.entries()) {
    if (sinks.findIndex((sink) => sink.name === name) === at) continue;
    const mend = 'give each a `name` of its own';
    const place = ['sinks', at, 'name'];
    refuse(context, badValue(`two sinks are called \`${name}\``, mend, 'ERR_CONFIG_CONFLICT'), place);
  }
}
