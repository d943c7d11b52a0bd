// docs/strictness.md: the strictness table, class by class, from the cases that the end-to-end test runs.

import { wireCaseClasses } from '../../test/wire-cases/all-classes.ts';
import type { Expectation, WireCase, WireCaseClass } from '../../test/wire-cases/wire-case.ts';
import { cell } from './generated-section.ts';

type Group = 'refused' | 'forwarded' | 'cut off';

const shownLength = 110;

/** Counts of all classes, then a section for each. */
export function strictnessMarkdown(): string {
  const total = countsRow(
    'all',
    wireCaseClasses.flatMap((each) => each.cases),
  );
  const rows = wireCaseClasses.map(({ title, cases }) => countsRow(title, cases));
  const head = '| class | cases | refused | forwarded | cut off |\n| --- | --- | --- | --- | --- |';
  return [`${head}\n${[...rows, total].join('\n')}`, ...wireCaseClasses.map(section)].join('\n\n');
}

function countsRow(title: string, cases: readonly WireCase[]): string {
  const count = (group: Group): number => cases.filter((one) => groupOf(one.expect) === group).length;
  return `| ${title} | ${cases.length} | ${count('refused')} | ${count('forwarded')} | ${count('cut off')} |`;
}

function groupOf(expect: Expectation): Group {
  switch (expect.kind) {
    case 'refused':
    case 'answer-refused':
      return 'refused';
    case 'judged':
      return expect.requests.length === 0 ? 'refused' : 'forwarded';
    case 'cut':
    case 'answer-cut':
      return 'cut off';
    default:
      return 'forwarded';
  }
}

function section({ title, about, cases }: WireCaseClass): string {
  const groups = Map.groupBy(cases, (one) => outcomeOf(one.expect));
  const parts = [...groups].map(([outcome, members]) =>
    groupOf(members[0]!.expect) === 'forwarded' ? forwardedTable(outcome, members) : sourceList(outcome, members),
  );
  return [`## ${title}\n\n${about}`, ...parts].join('\n\n');
}

function outcomeOf(expect: Expectation): string {
  switch (expect.kind) {
    case 'refused':
      return `Refused with ${expect.status}`;
    case 'answer-refused':
      return 'Refused with 502';
    case 'cut':
      return expect.status === null ? 'Begun, and cut off with the caller' : `Begun, cut off with ${expect.status}`;
    case 'answer-cut':
      return 'Begun, and cut off at the caller';
    case 'judged':
      return `Answered with ${expect.statuses.join(', ')}${expect.closes ? ', and the connection ended' : ''}`;
    case 'forwarded':
      return expect.next === undefined ? 'Forwarded' : `Forwarded; what follows is refused with ${expect.next}`;
    case 'answered':
      return expect.dropsWorkload === true ? 'Passed on; the connection to the workload is closed' : 'Passed on';
  }
}

/** A line for each source, with what it is about. */
function sourceList(outcome: string, cases: readonly WireCase[]): string {
  const lines = [...Map.groupBy(cases, (one) => one.source)].map(
    ([source, members]) => `- ${source}: ${members.map((one) => one.name).join(' · ')}`,
  );
  return `**${outcome}** (${cases.length})\n\n${lines.join('\n')}`;
}

function forwardedTable(outcome: string, cases: readonly WireCase[]): string {
  const rows = cases.map((one) => `| ${[one.name, shown(one), one.source].map(cell).join(' | ')} |`);
  return `**${outcome}** (${cases.length})\n\n| case | what arrives | source |\n| --- | --- | --- |\n${rows.join('\n')}`;
}

/** What the workload or the caller gets, in a code span; `⏎` stands for CRLF. */
function shown({ expect, added }: WireCase): string {
  const text =
    expect.kind === 'answered'
      ? expect.answer
      : expect.kind === 'forwarded' || expect.kind === 'judged'
        ? expect.requests.join(' ')
        : '';
  const fields = Object.entries(added ?? {}).map(([name, value]) => `${name}: ${value}`);
  const whole = [...fields, text].join('\n').trim();
  const cut = whole.length > shownLength ? `${whole.slice(0, shownLength)}…` : whole;
  const printable = cut
    .replaceAll(/\r?\n/g, '⏎')
    .replaceAll(/[^\x20-\x7e⏎…]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`);
  return printable.includes('`') ? `\`\` ${printable} \`\`` : `\`${printable}\``;
}
