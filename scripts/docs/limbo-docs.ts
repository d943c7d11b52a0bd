// docs/x509-limbo.md: what x509-limbo expects, what OpenSSL and Postern say, from the table that the test runs.

import { type LimboCase, leftOut, limboCases } from '../../test/referees/limbo-cases.ts';
import { cell } from './generated-section.ts';

/** The differences with their judgements, then what agrees, then what was left out. */
export function limboMarkdown(): string {
  const different = limboCases.filter((row) => row.judgement !== null);
  const alike = limboCases.filter((row) => row.judgement === null);
  const differences = different.map((row) => `| ${columns(row)} | ${cell(row.judgement ?? '')} |`);
  return [
    `Of ${limboCases.length} cases ${alike.length} end as x509-limbo expects, in OpenSSL and in Postern. The others, and why:`,
    ['| case | expected | OpenSSL | Postern | judgement |', '| --- | --- | --- | --- | --- |', ...differences].join(
      '\n',
    ),
    'As expected:',
    [
      '| case | expected | OpenSSL | Postern |',
      '| --- | --- | --- | --- |',
      ...alike.map((row) => `| ${columns(row)} |`),
    ].join('\n'),
    'Left out:',
    ['| cases | why |', '| --- | --- |', ...leftOut.map(([group, why]) => `| ${group} | ${why} |`)].join('\n'),
  ].join('\n\n');
}

function columns({ id, limbo, openssl, postern }: LimboCase): string {
  return `\`${id}\` | ${limbo} | ${cell(openssl ?? 'not asked')} | ${postern}`;
}
