// The reference of metrics for docs/metrics.md, made from the catalog so that it cannot differ from what is exported.

import { metricCatalog } from './metric-catalog.ts';

/** A Markdown table of every metric of the catalog. */
export function metricsMarkdown(): string {
  const rows = Object.entries(metricCatalog).map(([name, { type, help, labels, join }]) => {
    const names = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${names} | ${join === 'supervisor' ? 'one' : join} | ${help.replaceAll('|', '\\|')} |`;
  });
  return ['| Metric | Type | Labels | Of workers | Meaning |', '| --- | --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  );
}
