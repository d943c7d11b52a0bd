// The condition language read straight from its tree, in the plainest way: what the compiled tests are held against, and
// what explanations show. Shares no code with them but the canonical forms of values.

import type { AttributeRef } from './attribute.ts';
import type { Comparison, Expression } from './expression.ts';
import type { CidrBlock, IpAddress } from './ip-address.ts';
import { canonicalIp, parseIp } from './ip-address.ts';
import { and, FALSE, not, or, TRUE, type Truth, truthOf, UNKNOWN } from './kleene.ts';
import type { Action, AuthzRequest } from './model.ts';
import { referenceGlobMatch } from './reference-glob.ts';
import { isInWindow, type TimeWindow, zoneFormat, zoneOffsetMs } from './time-window.ts';
import type { ValueType } from './value-type.ts';
import { isTextual } from './value-type.ts';

/** The truth of an expression. */
export function interpret(expression: Expression, request: AuthzRequest, action: Action): Truth {
  switch (expression.kind) {
    case 'constant':
      return truthOf(expression.value);
    case 'all':
      return expression.items.map((item) => interpret(item, request, action)).reduce(and, TRUE);
    case 'any':
      return expression.items.map((item) => interpret(item, request, action)).reduce(or, FALSE);
    case 'not':
      return not(interpret(expression.item, request, action));
    case 'exists':
      return truthOf(valueAt(expression.attribute, request, action) !== undefined);
    case 'holds': {
      const value = valueAt(expression.attribute, request, action);
      return typeof value === 'boolean' ? truthOf(value) : UNKNOWN;
    }
    case 'compare':
      return compare(expression, request, action);
  }
}

/** What the request holds for the attribute; undefined where missing. */
export function valueAt(attribute: AttributeRef, request: AuthzRequest, action: Action): unknown {
  return attribute.spec.read(request, attribute.keys, action);
}

function compare(comparison: Comparison, request: AuthzRequest, action: Action): Truth {
  const { left, right, type, operator } = comparison;
  const given = valueAt(left, request, action);
  const other = right.kind === 'attribute' ? valueAt(right.attribute, request, action) : undefined;
  if (operator === 'contains') return contains(given, right.kind === 'value' ? right.value : other, type);
  const a = canonical(given, type);
  if (a === undefined) return UNKNOWN;
  switch (right.kind) {
    case 'value':
      return relation(operator, a, right.value);
    case 'attribute': {
      const b = canonical(other, type);
      return b === undefined ? UNKNOWN : relation(operator, a, b);
    }
    case 'values':
      if (right.values.length === 0) return FALSE;
      if (right.values.some((value) => value === a)) return TRUE;
      return right.values.some((value) => typeof value === typeof a) ? FALSE : UNKNOWN;
    case 'glob':
      return typeof a === 'string' ? truthOf(referenceGlobMatch(right.glob, a)) : UNKNOWN;
    case 'blocks':
      return truthOf(right.blocks.some((block) => isWithin(parseIp(String(a))!, block)));
    case 'windows':
      return Math.abs(Number(a)) <= 8e15
        ? truthOf(right.windows.some((window) => isWithinWindow(window, Number(a))))
        : UNKNOWN;
  }
}

function isWithinWindow(window: TimeWindow, timeMs: number): boolean {
  return isInWindow(window, timeMs + zoneOffsetMs(zoneFormat(window.zone), timeMs));
}

function canonical(value: unknown, type: ValueType): string | number | boolean | undefined {
  if (typeof value === 'number')
    return ['number', 'duration', 'timestamp', 'any'].includes(type) && !Number.isNaN(value) ? value : undefined;
  if (typeof value === 'boolean') return type === 'bool' || type === 'any' ? value : undefined;
  if (typeof value !== 'string') return undefined;
  if (type === 'dns') return value.toLowerCase();
  if (type !== 'ip') return isTextual(type) || type === 'any' ? value : undefined;
  const address = parseIp(value);
  return address === undefined ? undefined : canonicalIp(address);
}

function relation(operator: Comparison['operator'], a: string | number | boolean, b: string | number | boolean): Truth {
  if (typeof a !== typeof b) return UNKNOWN;
  switch (operator) {
    case '==':
      return truthOf(a === b);
    case '<':
      return truthOf(a < b);
    case '<=':
      return truthOf(a <= b);
    case '>':
      return truthOf(a > b);
    case '>=':
      return truthOf(a >= b);
    case 'startsWith':
      return truthOf(String(a).startsWith(String(b)));
    case 'endsWith':
      return truthOf(String(a).endsWith(String(b)));
    default:
      throw new TypeError(`${operator} is not a relation of two values`);
  }
}

function contains(whole: unknown, part: unknown, type: ValueType): Truth {
  const isPrimitive =
    typeof part === 'string' || (typeof part === 'number' && !Number.isNaN(part)) || typeof part === 'boolean';
  if (!isPrimitive) return UNKNOWN;
  if (Array.isArray(whole)) {
    if (type !== 'strings' && type !== 'any') return UNKNOWN;
    if (whole.includes(part)) return TRUE;
    return whole.every((item) => typeof item === typeof part) ? FALSE : UNKNOWN;
  }
  if (typeof whole !== 'string' || typeof part !== 'string' || type === 'strings') return UNKNOWN;
  return truthOf(type === 'dns' ? whole.toLowerCase().includes(part.toLowerCase()) : whole.includes(part));
}

function isWithin(address: IpAddress, block: CidrBlock): boolean {
  if (address.version !== block.base.version) return false;
  const width = address.version === 4 ? 32 : 128;
  const shift = BigInt(width - block.prefix);
  return bitsOf(address) >> shift === bitsOf(block.base) >> shift;
}

function bitsOf(address: IpAddress): bigint {
  if (address.version === 4) return BigInt(address.bits);
  return address.groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}
