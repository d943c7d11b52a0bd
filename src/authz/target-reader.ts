// `principals:` and `resources:` (policy.md 1.1): attribute → value or list of values, all of which must hold; or a list of
// such mappings, one of which must. A nested `attributes:` is merged into the same level.

import { nearestWord } from '../lib/nearest-word.ts';
import type { YamlEntry, YamlMap, YamlNode, YamlScalar } from '../lib/yaml-tree.ts';
import type { AttributeRef } from './attribute.ts';
import { attributeAt, isAttributeFault, resolveAttribute } from './attribute.ts';
import { attributeSchema } from './attribute-schema.ts';
import type { CheckOptions } from './check-options.ts';
import type { LiteralNode } from './condition-ast.ts';
import { clip } from './condition-lexer.ts';
import type { Expression } from './expression.ts';
import { anyOf } from './expression.ts';
import { isLiteralFault, readLiteral, readPattern } from './literal-value.ts';
import type { Clause, Target } from './policy-document.ts';
import type { Place } from './policy-finding.ts';
import { didYouMean, reportError } from './policy-finding.ts';
import { isTextual } from './value-type.ts';
import { kindText, reportWrong } from './yaml-fields.ts';

type TargetRoot = 'principal' | 'resource';

interface TargetPlace extends Place {
  readonly options: CheckOptions;
  /** What tests of the same file came to, by what they say: many rules of a large bundle are about the same type. */
  readonly read: Map<string, Expression>;
}

/** Reads a target; faults are reported and left out of the result, which is then not used. */
export function readTarget(node: YamlNode, place: TargetPlace, root: TargetRoot): Target {
  const maps = node.kind === 'list' ? node.items : [node];
  if (maps.length === 0) reportEmpty(place, node, 'list');
  const alternatives: (readonly Clause[])[] = [];
  for (const map of maps) {
    if (map.kind === 'map') alternatives.push(clausesOf(map, place, root));
    else reportWrong(place, map, 'a mapping of attributes');
  }
  return { alternatives: alternatives.slice(), position: node.position };
}

function reportEmpty(place: Place, node: YamlNode, what: 'list' | 'mapping'): void {
  const message = `an empty ${what} restricts nothing and matches nothing`;
  reportError(place, {
    code: 'L-KEY',
    message,
    mend: 'fill it, or take the key out: absent means any',
    position: node.position,
  });
}

function clausesOf(map: YamlMap, place: TargetPlace, root: TargetRoot): readonly Clause[] {
  if (map.entries.length === 0) reportEmpty(place, map, 'mapping');
  const clauses: Clause[] = [];
  const seen = new Set<string>();
  for (const entry of merged(map, place)) {
    for (const [attribute, value] of attributesAt(entry, place, root)) {
      if (seen.has(attribute.text)) {
        const message = `\`${attribute.text}\` is given twice`;
        reportError(place, { code: 'L-KEY', message, position: entry.keyPosition });
      }
      seen.add(attribute.text);
      const clause = clauseOf(attribute, value, place);
      if (clause !== null) clauses.push(clause);
    }
  }
  return clauses.slice();
}

function merged(map: YamlMap, place: TargetPlace): readonly YamlEntry[] {
  if (!map.entries.some((entry) => entry.key === 'attributes')) return map.entries;
  return map.entries.flatMap((entry) => {
    if (entry.key !== 'attributes') return [entry];
    if (entry.value.kind !== 'map') {
      reportWrong(place, entry.value, 'a mapping of attributes');
      return [];
    }
    if (entry.value.entries.length === 0) reportEmpty(place, entry.value, 'mapping');
    return entry.value.entries;
  });
}

function attributesAt(
  entry: YamlEntry,
  place: TargetPlace,
  root: TargetRoot,
): readonly (readonly [AttributeRef, YamlNode])[] {
  const { key, value } = entry;
  const path = `${root}.${key}`;
  const plain = attributeAt(path);
  if (plain !== undefined && !plain.spec.keyed) return [[plain, value]];
  if (plain === undefined) {
    reportUnknown(entry, place, root);
    return [];
  }
  if (value.kind !== 'map' || value.entries.length === 0) {
    reportWrong(place, value, `a mapping under \`${key}\``);
    return [];
  }
  return value.entries.map((inner) => {
    const steps = [
      { name: key, quoted: false },
      { name: inner.key, quoted: true },
    ];
    const ref = resolveAttribute(root, steps);
    if (isAttributeFault(ref)) throw new TypeError(`schema: ${path} is keyed and has no entries`);
    return [ref, inner.value] as const;
  });
}

function reportUnknown(entry: YamlEntry, place: TargetPlace, root: TargetRoot): void {
  const prefix = `${root}.`;
  const known = attributeSchema.filter((spec) => spec.root === root).map((spec) => spec.path.slice(prefix.length));
  const mend = didYouMean(nearestWord(entry.key, known)) || `known here: ${known.join(', ')}`;
  const message = `there is no attribute \`${prefix}${clip(entry.key)}\``;
  reportError(place, { code: 'L-ATTR', message, mend, position: entry.keyPosition });
}

function clauseOf(attribute: AttributeRef, node: YamlNode, place: TargetPlace): Clause | null {
  if (node.kind === 'scalar') return clauseOfScalar(attribute, node, place);
  const items = node.kind === 'list' ? node.items : [node];
  if (items.length === 0) reportEmpty(place, node, 'list');
  const tests: Expression[] = [];
  for (const item of items) {
    const test = item.kind === 'scalar' ? knownTest(attribute, item, place) : null;
    if (item.kind !== 'scalar') reportWrong(place, item, `a value for \`${attribute.text}\``);
    if (test !== null) tests.push(test);
  }
  if (tests.length === 0) return null;
  const shown = items.map((item) => (item.kind === 'scalar' ? item.source : '')).join(', ');
  const text = `${attribute.text}: ${node.kind === 'list' ? `[${shown}]` : shown}`;
  return { expression: anyOf(tests, text), text, position: node.position };
}

function clauseOfScalar(attribute: AttributeRef, node: YamlScalar, place: TargetPlace): Clause | null {
  const expression = knownTest(attribute, node, place);
  return expression && { expression, text: `${attribute.text}: ${node.source}`, position: node.position };
}

function knownTest(attribute: AttributeRef, node: YamlScalar, place: TargetPlace): Expression | null {
  // A condition has no NUL in it, and a text is not the number that it looks like.
  const key = `\0${typeof node.value}\0${attribute.text}\0${node.value}`;
  const known = place.read.get(key);
  if (known !== undefined) return known;
  const test = testOf(attribute, node, place);
  if (test !== null) place.read.set(key, test);
  return test;
}

function testOf(attribute: AttributeRef, node: YamlScalar, place: TargetPlace): Expression | null {
  const { value } = node;
  if (value === null) {
    const message = `\`${attribute.text}\` is empty`;
    reportError(place, { code: 'L-KEY', message, mend: 'empty is not absent', position: node.position });
    return null;
  }
  if (typeof value === 'string' && isPattern(value, attribute)) return globTest(attribute, value, { node, place });
  const literal = literalOf(value);
  const reading = readLiteral(literal, attribute.spec.type, attribute.spec.values);
  if (isLiteralFault(reading)) {
    const mend = typeof value !== 'string' && isTextual(attribute.spec.type) ? 'put it in quotes' : reading.mend;
    const message = `\`${attribute.text}\`: ${typeof value === 'string' ? reading.fault : `expected text, found ${kindText(node)}`}`;
    reportError(place, { code: reading.code, message, mend, position: node.position });
    return null;
  }
  const right = { kind: 'value', value: reading.value } as const;
  const text = `${attribute.text} == ${JSON.stringify(value)}`;
  return { kind: 'compare', operator: '==', left: attribute, right, type: attribute.spec.type, text };
}

function isPattern(value: string, attribute: AttributeRef): boolean {
  const { type, values } = attribute.spec;
  // In a closed set of words a star is a slip; `readLiteral` says so.
  return values === null && value.includes('*') && (isTextual(type) || type === 'any');
}

function literalOf(value: string | number | boolean): LiteralNode {
  const span = { at: 0, end: 0 };
  if (typeof value === 'string') return { ...span, kind: 'string', value, starEscape: false };
  return typeof value === 'number' ? { ...span, kind: 'number', value } : { ...span, kind: 'bool', value };
}

function globTest(
  attribute: AttributeRef,
  pattern: string,
  at: { readonly node: YamlScalar; readonly place: TargetPlace },
): Expression | null {
  const { type, path } = attribute.spec;
  const isTrustDomain = path === 'principal.trust_domain';
  const glob = readPattern(pattern, { type, isTrustDomain, allowAnyTrustDomain: at.place.options.allowAnyTrustDomain });
  if (isLiteralFault(glob)) {
    const message = `\`${attribute.text}\`: ${glob.fault}`;
    reportError(at.place, { code: glob.code, message, mend: glob.mend, position: at.node.position });
    return null;
  }
  const text = `${attribute.text} matches ${JSON.stringify(pattern)}`;
  return { kind: 'compare', operator: 'matches', left: attribute, right: { kind: 'glob', glob }, type, text };
}
