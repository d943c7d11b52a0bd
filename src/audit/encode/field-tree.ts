// The field table compiled for one format: a record is walked once, and each value that has the type of its field is
// handed on with its targets. What the table does not know, or what has another type, is left out: a record may come from
// a file that somebody changed.

import { type RecordField, recordFields } from '../record-fields.ts';
import { asciiJson, cleanText, plainJson } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { type FieldFormat, fieldTargets, ownNamespace } from './field-targets.ts';
import { parseTarget, type Target } from './target-object.ts';

/** A record as parsed. */
export type RecordMembers = Readonly<Record<string, unknown>>;

/** A value of a record: what JSON can hold, cleaned of everything that could forge a line. */
export type FieldValue = string | number | boolean | readonly unknown[] | Readonly<Record<string, unknown>>;

/** Takes one value to one target. */
export type EmitField = (target: Target, value: FieldValue, type: RecordField['type']) => void;

/** Takes one value to what was compiled of all its targets. */
export type EmitCompiled<Compiled> = (compiled: Compiled, value: FieldValue, type: RecordField['type']) => void;

type Branch<Compiled> = Map<string, Branch<Compiled> | Leaf<Compiled>>;

interface Leaf<Compiled> {
  readonly type: RecordField['type'] | 'parts';
  readonly compiled: Compiled;
}

/** Longest string of any field, characters; SPIFFE IDs have 2048. */
const longestText = 2048;
const deepest = 4;

/** Makes the walk of one format, target by target. */
export function compileFields(format: FieldFormat): (record: RecordMembers, emit: EmitField) => void {
  const walkTargets = compileWalk(format, (targets) => targets);
  return (record, emit) =>
    walkTargets(record, (targets, value, type) => {
      for (const target of targets) emit(target, value, type);
    });
}

/** Makes the walk of one format, for a writer that has made something of the targets of each field beforehand. */
export function compileWalk<Compiled>(
  format: FieldFormat,
  compile: (targets: readonly Target[]) => Compiled,
): (record: RecordMembers, emit: EmitCompiled<Compiled>) => void {
  const roots = new Map<unknown, Branch<Compiled>>();
  for (const [type, fields] of Object.entries(recordFields)) {
    const root: Branch<Compiled> = new Map();
    for (const field of fields) addField(root, field, { format, compile });
    roots.set(type, root);
  }
  return (record, emit) => {
    // A tree for each type: a decision has no fields of an outcome, or two fields could claim one target.
    const root = roots.get(record['type']);
    if (root !== undefined) walk(root, record, emit);
  };
}

/** Targets of a field, in the order of the table. */
export function targetsOf(path: string, format: FieldFormat): readonly string[] {
  const named = fieldTargets[path]?.[format];
  if (named !== undefined) return named.split(' ');
  const space = ownNamespace[format];
  return space === null ? [] : [`${space}.${path}`];
}

interface Compilation<Compiled> {
  readonly format: FieldFormat;
  readonly compile: (targets: readonly Target[]) => Compiled;
}

function addField<Compiled>(root: Branch<Compiled>, field: RecordField, how: Compilation<Compiled>): void {
  // Lists of objects are taken as they are, as one value.
  const list = field.path.indexOf('[]');
  const path = list < 0 ? field.path : field.path.slice(0, list);
  const segments = path.split('.');
  const last = segments.pop() ?? '';
  let branch = root;
  for (const segment of segments) {
    const next = branch.get(segment) ?? new Map();
    branch.set(segment, next);
    branch = next as Branch<Compiled>;
  }
  const targets = targetsOf(path, how.format);
  // A list of objects has a row for each member, and one value.
  if (targets.length === 0 || branch.has(last)) return;
  branch.set(last, { type: list < 0 ? field.type : 'parts', compiled: how.compile(targets.map(parseTarget)) });
}

function walk<Compiled>(branch: Branch<Compiled>, members: RecordMembers, emit: EmitCompiled<Compiled>): void {
  // Not Object.keys: a list for each object. A record as parsed inherits nothing that can be enumerated.
  for (const name in members) {
    const node = branch.get(name);
    if (node === undefined) continue;
    const value = members[name];
    if (node instanceof Map) {
      const inner = objectOf(value);
      if (inner !== null) walk(node, inner, emit);
      continue;
    }
    const taken = takeValue(node.type, value);
    if (taken !== undefined) emit(node.compiled, taken, node.type === 'parts' ? 'map' : node.type);
  }
}

function takeValue(type: Leaf<unknown>['type'], value: unknown): FieldValue | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? cleanText(value, longestText) : undefined;
    case 'time':
      return typeof value === 'string' && isTime.test(value) ? value : undefined;
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'text list':
      return Array.isArray(value) ? value.filter(isText).map((item) => cleanText(item, longestText)) : undefined;
    default:
      return typeof value === 'object' && value !== null ? (cleanParts(value, deepest) as FieldValue) : undefined;
  }
}

const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/** A value of a field as JSON in ASCII; numbers are whole. */
export function fieldJson(value: FieldValue): string {
  if (typeof value === 'string') return plainJson(value);
  return typeof value === 'object' ? asciiJson(value) : `${value}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** A copy with clean texts and without a prototype, so that no name means anything. */
function cleanParts(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value, longestText);
  if (typeof value !== 'object' || value === null || depth === 0) return typeof value === 'object' ? null : value;
  if (Array.isArray(value)) return value.map((item) => cleanParts(item, depth - 1));
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value)) copy[cleanText(name, 256)] = cleanParts(member, depth - 1);
  return copy;
}
