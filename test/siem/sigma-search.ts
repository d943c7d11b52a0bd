// The searches of a Sigma rule against one event: maps (all must hold), lists (one must), values with wildcards, and the
// modifiers that our rules may use. What is not known here fails the test, so no rule says more than is tested.

import assert from 'node:assert/strict';

export type Event = Readonly<Record<string, unknown>>;
/** What a field of a rule is called in the events. */
export type FieldNames = (field: string) => string;

/** Whether a search holds for an event. */
export function searchHolds(search: unknown, event: Event, nameOf: FieldNames): boolean {
  if (Array.isArray(search)) return search.some((item) => searchHolds(item, event, nameOf));
  assert.ok(typeof search === 'object' && search !== null, 'keywords are not for records with fields');
  return Object.entries(search).every(([key, wanted]) => fieldHolds(key, wanted, { event, nameOf }));
}

function fieldHolds(key: string, wanted: unknown, where: { event: Event; nameOf: FieldNames }): boolean {
  const [field, modifier, ...more] = key.split('|');
  assert.deepEqual(more, [], `more modifiers than are known: ${key}`);
  const values = valuesAt(where.event, where.nameOf(field!).split('.'));
  if (modifier === 'exists') return values.length > 0 === wanted;
  const choices = Array.isArray(wanted) ? wanted : [wanted];
  return choices.some((choice) => values.some((value) => valueHolds(choice, value, modifier)));
}

/** All that stands at a path; lists are looked through, as SIEMs do. */
export function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path));
  const [first, ...rest] = path;
  if (first === undefined) return value === undefined || value === null ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  return valuesAt((value as Event)[first], rest);
}

function valueHolds(choice: unknown, value: unknown, modifier: string | undefined): boolean {
  if (typeof choice !== 'string') {
    assert.ok(modifier === undefined && ['number', 'boolean'].includes(typeof choice), `what is ${String(choice)}?`);
    return choice === value;
  }
  const before = modifier === 'contains' || modifier === 'endswith' ? '*' : '';
  const behind = modifier === 'contains' || modifier === 'startswith' ? '*' : '';
  assert.ok(modifier === undefined || before + behind !== '', `a modifier that is not known: ${modifier}`);
  return wildcards(`${before}${choice}${behind}`).test(String(value));
}

/** Texts match whatever their case; a backslash takes the meaning from `*`, `?` and itself. */
function wildcards(pattern: string): RegExp {
  const source = pattern.replaceAll(/\\[\\*?]|[\s\S]/g, (part) => {
    if (part === '*') return '[\\s\\S]*';
    if (part === '?') return '[\\s\\S]';
    return part.slice(-1).replace(/[^\w\s]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'i');
}
