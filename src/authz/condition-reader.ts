// `conditions:` of a rule: a list of conditions, or of `{all: […]}`, `{any: […]}`, `{none: […]}`. What YAML makes of an
// unquoted condition that holds `: ` or ` #` is told apart here (policy.md 1.1).

import type { SourcePosition } from '../errors.ts';
import type { YamlMap, YamlNode, YamlScalar } from '../lib/yaml-tree.ts';
import type { CheckOptions } from './check-options.ts';
import { ConditionError, clip } from './condition-lexer.ts';
import { readCondition } from './condition-types.ts';
import type { Expression } from './expression.ts';
import { allOf, anyOf, negate } from './expression.ts';
import type { Clause } from './policy-document.ts';
import type { Place } from './policy-finding.ts';
import { reportError } from './policy-finding.ts';
import { kindText, reportWrong } from './yaml-fields.ts';

/** Most conditions of a rule. */
export const maxConditions = 64;

/** Where conditions are read. */
export interface ConditionPlace extends Place {
  readonly options: CheckOptions;
  /** What conditions of the same file came to, by their text: many rules of a large bundle ask the same. */
  readonly read: Map<string, Expression>;
}

/** Reads the list; faults are reported and left out of the result, which is then not used. */
export function readConditions(node: YamlNode, place: ConditionPlace): readonly Clause[] {
  const counted = countConditions(node);
  if (counted > maxConditions) {
    const message = `a rule has at most ${maxConditions} conditions, this one has ${counted}`;
    reportError(place, { code: 'E-LIMIT', message, position: node.position });
    return [];
  }
  return readItems(node, place);
}

function countConditions(node: YamlNode): number {
  if (node.kind === 'scalar') return 1;
  let count = 0;
  if (node.kind === 'list') for (const item of node.items) count += countConditions(item);
  else for (const entry of node.entries) count += countConditions(entry.value);
  return count;
}

function readItems(node: YamlNode, place: ConditionPlace): readonly Clause[] {
  if (node.kind !== 'list') {
    reportWrong(place, node, 'a list of conditions');
    return [];
  }
  if (node.items.length === 0) {
    const mend = 'fill the list, or take the key out: empty is not absent';
    reportError(place, { code: 'L-KEY', message: 'an empty list of conditions', mend, position: node.position });
    return [];
  }
  const clauses: Clause[] = [];
  for (const item of node.items) {
    const clause = readItem(item, place);
    if (clause !== null) clauses.push(clause);
  }
  return clauses.slice();
}

function readItem(item: YamlNode, place: ConditionPlace): Clause | null {
  if (item.kind === 'scalar') return readText(item, place);
  if (item.kind === 'map') return readStructured(item, place);
  const mend = 'quote the whole condition, with single quotes';
  reportError(place, { code: 'E-YAML-1', message: 'the condition is a list', mend, position: item.position });
  return null;
}

function readStructured(map: YamlMap, place: ConditionPlace): Clause | null {
  const entry = map.entries[0];
  if (map.entries.length !== 1 || entry === undefined || !['all', 'any', 'none'].includes(entry.key)) {
    const message = 'the condition is a mapping: quote the whole condition';
    const mend =
      'YAML reads `: ` as a key; put single quotes round the condition, or write {all: […]}, {any: […]}, {none: […]}';
    reportError(place, { code: 'E-YAML-1', message, mend, position: map.position });
    return null;
  }
  const clauses = readItems(entry.value, place);
  if (clauses.length === 0) return null;
  const text = `${entry.key}: [${clauses.map((clause) => clause.text).join(', ')}]`;
  return { expression: joined(entry.key, clauses, text), text, position: map.position };
}

function joined(key: string, clauses: readonly Clause[], text: string): Expression {
  const items = clauses.map((clause) => clause.expression);
  if (key === 'all') return allOf(items, text);
  return key === 'any' ? anyOf(items, text) : negate(anyOf(items, text), text);
}

function readText(scalar: YamlScalar, place: ConditionPlace): Clause | null {
  if (typeof scalar.value !== 'string') {
    // `- true` is a condition that says nothing; the author meant another.
    const message = `expected a condition, found ${kindText(scalar)}`;
    reportError(place, { code: 'L-TYPE', message, position: scalar.position });
    return null;
  }
  const text = scalar.value.trim();
  try {
    let expression = place.read.get(text);
    if (expression === undefined) {
      expression = readCondition(text, place.options);
      place.read.set(text, expression);
    }
    return { expression, text, position: scalar.position };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const { code, message, at, mend } = error.fault;
    const hint = mendOf(scalar, message) ?? mend;
    const shown = `${message} in \`${clip(text)}\``;
    reportError(place, { code, message: shown, mend: hint, position: positionIn(scalar, at) });
    return null;
  }
}

function mendOf(scalar: YamlScalar, message: string): string | null {
  if (!scalar.commented || message !== 'the string does not end') return null;
  return 'YAML cuts an unquoted value at ` #`: quote the whole condition, with single quotes';
}

function positionIn(scalar: YamlScalar, at: number): SourcePosition {
  const { position } = scalar;
  return scalar.plain ? { ...position, column: position.column + at } : position;
}
