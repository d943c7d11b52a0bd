// HOT PATH (bench/policy.bench.ts). Comparisons as closures, one for each operator and type. Every value is looked at for
// its type first: missing, mistyped and alien values are all unknown (policy.md 1.3).

import { matchesGlob } from '../lib/glob.ts';
import type { AttributeRef } from './attribute.ts';
import type { Comparison, RightSide, Test } from './expression.ts';
import { canonicalIp, isInBlock, parseIp } from './ip-address.ts';
import { FALSE, TRUE, type Truth, truthOf, UNKNOWN } from './kleene.ts';
import type { Action, AuthzRequest } from './model.ts';
import { isInWindow } from './time-window.ts';
import { isTextual, type Value, type ValueType } from './value-type.ts';
import { ZoneClock } from './zone-clock.ts';

/** The value in the canonical form of its type; undefined where missing or alien. */
type Reader = (request: AuthzRequest, action: Action) => Value | undefined;

type Right<K extends RightSide['kind']> = Extract<RightSide, { kind: K }>;

/** Compiles one comparison. */
export function comparisonTest(comparison: Comparison): Test {
  const { left, right, type } = comparison;
  switch (comparison.operator) {
    case '==':
      return right.kind === 'attribute'
        ? equalAttributes(readerOf(left, type), readerOf(right.attribute, type))
        : equalValue(readerOf(left, type), constantOf(right));
    case 'matches':
      return globTest(textReader(left), right as Right<'glob'>);
    case 'in':
      return right.kind === 'blocks'
        ? blocksTest(left, right)
        : memberTest(readerOf(left, type), right as Right<'values'>);
    case 'contains':
      return containsTest(comparison);
    case 'startsWith':
    case 'endsWith':
      return affixTest(comparison);
    case 'within':
      return windowTest(readerOf(left, 'timestamp'), right as Right<'windows'>);
    default:
      return orderTest(comparison);
  }
}

function constantOf(right: RightSide): Value {
  return (right as Right<'value'>).value;
}

function readerOf(attribute: AttributeRef, type: ValueType): Reader {
  if (type === 'any') return anyReader(attribute);
  if (type === 'bool') return booleanReader(attribute);
  if (type === 'ip') return ipReader(attribute);
  if (type === 'dns') return foldedReader(attribute);
  return isTextual(type) ? textReader(attribute) : numberReader(attribute);
}

function textReader(attribute: AttributeRef): (request: AuthzRequest, action: Action) => string | undefined {
  const { keys } = attribute;
  const { read } = attribute.spec;
  return (request, action) => {
    const value = read(request, keys, action);
    return typeof value === 'string' ? value : undefined;
  };
}

function foldedReader(attribute: AttributeRef): Reader {
  const text = textReader(attribute);
  return (request, action) => text(request, action)?.toLowerCase();
}

function numberReader(attribute: AttributeRef): Reader {
  const { keys } = attribute;
  const { read } = attribute.spec;
  return (request, action) => {
    const value = read(request, keys, action);
    // NaN is no number to compare with.
    return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
  };
}

function booleanReader(attribute: AttributeRef): Reader {
  const { keys } = attribute;
  const { read } = attribute.spec;
  return (request, action) => {
    const value = read(request, keys, action);
    return typeof value === 'boolean' ? value : undefined;
  };
}

function ipReader(attribute: AttributeRef): Reader {
  const text = textReader(attribute);
  return (request, action) => {
    const address = parseIp(text(request, action) ?? '');
    return address === undefined ? undefined : canonicalIp(address);
  };
}

function anyReader(attribute: AttributeRef): Reader {
  const { keys } = attribute;
  const { read } = attribute.spec;
  return (request, action) => primitive(read(request, keys, action));
}

function primitive(value: unknown): Value | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  return typeof value === 'string' || typeof value === 'boolean' ? value : undefined;
}

function equalValue(read: Reader, expected: Value): Test {
  const kind = typeof expected;
  return (request, action) => {
    const value = read(request, action);
    if (typeof value !== kind) return UNKNOWN;
    return value === expected ? TRUE : FALSE;
  };
}

function equalAttributes(left: Reader, right: Reader): Test {
  return (request, action) => {
    const a = left(request, action);
    const b = right(request, action);
    if (a === undefined || typeof a !== typeof b) return UNKNOWN;
    return a === b ? TRUE : FALSE;
  };
}

function globTest(read: (request: AuthzRequest, action: Action) => string | undefined, right: Right<'glob'>): Test {
  const { glob } = right;
  return (request, action) => {
    const value = read(request, action);
    return value === undefined ? UNKNOWN : truthOf(matchesGlob(glob, value));
  };
}

// Strings, numbers and booleans are told apart: a number is not "not in" a list of strings, it is alien to it.
function memberTest(read: Reader, right: Right<'values'>): Test {
  const values: ReadonlySet<Value> = new Set(right.values);
  const kinds: ReadonlySet<string> = new Set(right.values.map((value) => typeof value));
  return (request, action) => {
    const value = read(request, action);
    if (value === undefined) return UNKNOWN;
    if (values.has(value)) return TRUE;
    return kinds.size === 0 || kinds.has(typeof value) ? FALSE : UNKNOWN;
  };
}

function blocksTest(left: AttributeRef, right: Right<'blocks'>): Test {
  const text = textReader(left);
  const { blocks } = right;
  // An address stays the same for all requests of a connection; one entry of memory saves most of the parsing.
  let lastText = '';
  let lastTruth: Truth = UNKNOWN;
  return (request, action) => {
    const value = text(request, action);
    if (value === undefined) return UNKNOWN;
    if (value !== lastText) {
      const address = parseIp(value);
      lastTruth = address === undefined ? UNKNOWN : truthOf(blocks.some((block) => isInBlock(address, block)));
      lastText = value;
    }
    return lastTruth;
  };
}

function containsTest(comparison: Comparison): Test {
  const { left, right, type } = comparison;
  const { keys } = left;
  const { read } = left.spec;
  const element: ValueType = type === 'dns' ? 'dns' : 'any';
  const part: Reader = right.kind === 'attribute' ? readerOf(right.attribute, element) : constant(constantOf(right));
  const listAllowed = type === 'strings' || type === 'any';
  const textAllowed = type !== 'strings';
  return (request, action) => {
    const whole = read(request, keys, action);
    const wanted = part(request, action);
    if (wanted === undefined) return UNKNOWN;
    if (textAllowed && typeof whole === 'string' && typeof wanted === 'string') {
      return truthOf((type === 'dns' ? whole.toLowerCase() : whole).includes(wanted));
    }
    return listAllowed && Array.isArray(whole) ? listContains(whole, wanted) : UNKNOWN;
  };
}

function constant(value: Value): Reader {
  return () => value;
}

// A list with an element of another type cannot be said not to contain the value.
function listContains(list: readonly unknown[], wanted: Value): Truth {
  let truth: Truth = FALSE;
  for (let n = 0; n < list.length; n++) {
    if (list[n] === wanted) return TRUE;
    if (typeof list[n] !== typeof wanted) truth = UNKNOWN;
  }
  return truth;
}

function affixTest(comparison: Comparison): Test {
  const { left, type, operator } = comparison;
  const read = (type === 'dns' ? foldedReader(left) : textReader(left)) as (
    r: AuthzRequest,
    a: Action,
  ) => string | undefined;
  const affix = String(constantOf(comparison.right));
  if (operator === 'startsWith') {
    return (request, action) => {
      const value = read(request, action);
      return value === undefined ? UNKNOWN : truthOf(value.startsWith(affix));
    };
  }
  return (request, action) => {
    const value = read(request, action);
    return value === undefined ? UNKNOWN : truthOf(value.endsWith(affix));
  };
}

const holds: ReadonlyMap<string, (difference: number) => boolean> = new Map([
  ['<', (difference: number) => difference < 0],
  ['<=', (difference: number) => difference <= 0],
  ['>', (difference: number) => difference > 0],
  ['>=', (difference: number) => difference >= 0],
]);

function orderTest(comparison: Comparison): Test {
  const { left, right, operator } = comparison;
  const read = numberReader(left);
  const bound: Reader = right.kind === 'attribute' ? numberReader(right.attribute) : constant(constantOf(right));
  const test = holds.get(operator)!;
  return (request, action) => {
    const a = read(request, action);
    const b = bound(request, action);
    if (a === undefined || b === undefined) return UNKNOWN;
    // Not a subtraction: the difference of two infinities is no number.
    return truthOf(test(a === b ? 0 : a < b ? -1 : 1));
  };
}

function windowTest(read: Reader, right: Right<'windows'>): Test {
  const clocks = right.windows.map((window) => ({ window, clock: new ZoneClock(window.zone) }));
  return (request, action) => {
    const timeMs = read(request, action);
    // Beyond the range of dates there are no zones.
    if (typeof timeMs !== 'number' || Math.abs(timeMs) > 8e15) return UNKNOWN;
    for (const { window, clock } of clocks) if (isInWindow(window, clock.localMs(timeMs))) return TRUE;
    return FALSE;
  };
}
