// The field tables of docs/decision-records.md.

import { type RecordField, type RecordType, recordFields } from './record-fields.ts';

const titles: Readonly<Record<RecordType, string>> = {
  decision: 'a request was judged, or a peer was refused before it could send one',
  outcome: 'a request ended',
  gap: 'records are missing, and how many',
  seal: 'everything before it is as it was written',
  recovered: 'something torn was mended',
};

/** Markdown of all fields of all record types; asked-for fields are bold. */
export function recordFieldsMarkdown(): string {
  const types = Object.keys(recordFields) as RecordType[];
  return `${types.map(section).join('\n\n')}\n`;
}

function section(type: RecordType): string {
  const head = `### \`${type}\`: ${titles[type]}\n\n| field | type | always | meaning |\n| --- | --- | --- | --- |`;
  return `${head}\n${recordFields[type].map(row).join('\n')}`;
}

function row(field: RecordField): string {
  const name = field.asked ? `**\`${field.path}\`**` : `\`${field.path}\``;
  return `| ${name} | ${field.type} | ${field.always ? 'yes' : ''} | ${field.means.replaceAll('|', '\\|')} |`;
}
