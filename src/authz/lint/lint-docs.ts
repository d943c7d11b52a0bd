// The table of lint rules for docs/policy-lint.md.

import { lintRules } from './rule-table.ts';
import { waiverId } from './waivers.ts';

const needsText = {
  trustDomains: ' (needs `-c`)',
  resources: ' (needs `-c`)',
  givenAttributes: ' (needs `-c`)',
} as const;

/** A Markdown table of every rule: id, level and what it finds. */
export function lintRulesMarkdown(): string {
  const rows = lintRules.map(({ id, level, finds, needs }) => [id, level, finds + (needs ? needsText[needs] : '')]);
  rows.push([waiverId, 'warning', 'a waiver without a reason, of an unknown rule, or one that waives nothing']);
  const lines = rows.map(([id, level, finds]) => `| \`${id}\` | ${level} | ${finds} |`);
  return ['| rule | level | finds |', '| --- | --- | --- |', ...lines].join('\n');
}
