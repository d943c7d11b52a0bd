// docs/errors.md: every code of the catalog, by area.

import { errorCatalog } from '../../src/errors.ts';
import { cell } from './generated-section.ts';

/** A table for each area (the second word of a code), codes in alphabetical order. */
export function errorsMarkdown(): string {
  const areas = Map.groupBy(
    Object.entries(errorCatalog).sort(([a], [b]) => (a < b ? -1 : 1)),
    ([code]) => code.split('_')[1],
  );
  return [...areas].map(([area, entries]) => `## ${area}\n\n${table(entries)}`).join('\n\n');
}

function table(entries: readonly (readonly [string, (typeof errorCatalog)[keyof typeof errorCatalog]])[]): string {
  const rows = entries.map(
    ([code, { means, mend, exit }]) => `| \`${code}\` | ${cell(means)} | ${cell(mend)} | ${exit} |`,
  );
  return `| code | meaning | how to mend | exit code |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}
