// The tables of docs/records.md: where each field of a record goes in each encoding, of the table that drives the
// encoders.

import type { FieldFormat } from '../../src/audit/encode/field-targets.ts';
import { targetsOf } from '../../src/audit/encode/field-tree.ts';
import { recordClasses } from '../../src/audit/encode/record-class.ts';
import { type RecordType, recordFields } from '../../src/audit/record-fields.ts';

const formats: readonly (readonly [format: FieldFormat, title: string])[] = [
  ['ecs', 'ECS'],
  ['ocsf', 'OCSF'],
  ['cef', 'CEF'],
  ['rfc5424', 'RFC 5424'],
  ['otlp', 'OTLP'],
];
const types: readonly RecordType[] = ['decision', 'outcome', 'gap', 'recovered'];

/** Markdown of the codes of each kind of record, and of the targets of each field. */
export function recordTargetsMarkdown(): string {
  return [classTable(), ...types.map(fieldTable)].join('\n\n');
}

function classTable(): string {
  const head =
    '### Kinds of record\n\n| kind | CEF signature | CEF severity | syslog severity | OTLP severity | OCSF severity | OCSF disposition | ECS outcome |';
  const rows = Object.values(recordClasses).map(
    (kind) =>
      `| ${kind.name} | ${kind.signature} | ${kind.cefSeverity} | ${kind.syslogSeverity} | ${kind.otlpSeverity} | ${kind.ocsfSeverity} | ${kind.disposition} | ${kind.outcome} |`,
  );
  return [head, '| --- | --- | --- | --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function fieldTable(type: RecordType): string {
  const head = `### Fields of \`${type}\`\n\n| field | ${formats.map(([, title]) => title).join(' | ')} |`;
  const rows = recordFields[type].map(({ path }) => {
    const cells = formats.map(([format]) =>
      targetsOf(path, format)
        .map((target) => `\`${target}\``)
        .join(' '),
    );
    return `| \`${path}\` | ${cells.join(' | ')} |`;
  });
  return [head, `| --- |${' --- |'.repeat(formats.length)}`, ...rows].join('\n');
}
