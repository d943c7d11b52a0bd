// The table of docs/identity.md: why a token is refused.

import { tokenRefusals } from '../../src/identity/tokens/token-refusals.ts';
import { cell } from './generated-section.ts';

/** A row for each cause of the closed list. */
export function tokenRefusalsMarkdown(): string {
  const rows = Object.entries(tokenRefusals).map(
    ([cause, { means, mend }]) => `| \`${cause}\` | ${cell(means)} | ${cell(mend)} |`,
  );
  return `| cause | what it means | mend |\n| --- | --- | --- |\n${rows.join('\n')}`;
}
