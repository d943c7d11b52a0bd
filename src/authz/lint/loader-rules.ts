// What the loader finds while it reads a bundle. It refuses the bundle, so the linter only repeats it.

import type { LintRule } from './lint-rule.ts';

const refusals: readonly (readonly [id: string, finds: string])[] = [
  ['E-YAML', 'the file is not the plain YAML that is read: a fault of syntax, an alias, a tag, a key given twice'],
  ['E-YAML-1', 'YAML made a mapping or a list of a condition that was not quoted'],
  ['E-LIMIT', 'a file, a condition, a rule or the bundle is above its limit'],
  ['L-KEY', 'unknown, empty, missing or doubled key, an empty list or mapping, a name that is given twice'],
  ['L-ATTR', 'an attribute that does not exist, with the nearest one that does'],
  ['L-TYPE', 'two sides of different types, or a literal that does not parse as the type of its attribute'],
  ['L-TIME', 'a time window without a zone, or one that does not parse'],
];

/** Rows of the table for findings that refuse the bundle. */
export const loaderRules: readonly LintRule[] = refusals.map(([id, finds]) => ({
  id,
  level: 'error; does not load',
  finds,
  needs: null,
  check: null,
}));
