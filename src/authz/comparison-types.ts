// Which operator takes what on its two sides (the table of policy.md 1.3).

import type { AttributeRef } from './attribute.ts';
import type { CheckOptions } from './check-options.ts';
import type { ConditionNode, ListNode, LiteralNode, OperandNode, Operator } from './condition-ast.ts';
import { refOf } from './condition-attribute.ts';
import { ConditionError, clip, failCondition } from './condition-lexer.ts';
import type { CompareOperator, Comparison, RightSide } from './expression.ts';
import { parseCidr } from './ip-address.ts';
import { isLiteralFault, readLiteral, readPattern } from './literal-value.ts';
import type { TimeWindow } from './time-window.ts';
import { parseTimeWindow } from './time-window.ts';
import type { Value, ValueType } from './value-type.ts';
import { isOrdered, isTextual } from './value-type.ts';

type CompareNode = Extract<ConditionNode, { kind: 'compare' }>;

/** One comparison with an attribute on the left. */
interface Sides {
  readonly operator: CompareOperator;
  readonly left: AttributeRef;
  readonly right: OperandNode;
  readonly at: number;
}

const turned: ReadonlyMap<Operator, CompareOperator> = new Map<Operator, CompareOperator>([
  ['==', '=='],
  ['!=', '=='],
  ['<', '>'],
  ['<=', '>='],
  ['>', '<'],
  ['>=', '<='],
  ['in', 'contains'],
  ['contains', 'in'],
]);

/** Checks one comparison; its negation is left to the caller. Throws ConditionError. */
export function checkComparison(node: CompareNode, text: string, options: CheckOptions): Comparison {
  const sides = sidesOf(node);
  const { right, type } = rightOf(sides, options);
  return Object.freeze({ kind: 'compare', operator: sides.operator, left: sides.left, right, type, text });
}

function sidesOf(node: CompareNode): Sides {
  const { left, right, operator, at } = node;
  if (left.kind === 'attribute') {
    const plain = operator === '!=' ? '==' : operator;
    // `x in principal.claims["roles"]`: the list is on the right, so ask the list.
    if (plain === 'in' && right.kind === 'attribute')
      return { operator: 'contains', left: refOf(right), right: left, at };
    return { operator: plain, left: refOf(left), right, at };
  }
  const opposite = turned.get(operator);
  if (right.kind !== 'attribute') failCondition(at, 'a comparison needs an attribute on one side');
  if (opposite === undefined) failCondition(at, `the left side of \`${operator}\` is an attribute`);
  return { operator: opposite!, left: refOf(right as Extract<OperandNode, { kind: 'attribute' }>), right: left, at };
}

interface CheckedRight {
  readonly right: RightSide;
  readonly type: ValueType;
}

function rightOf(sides: Sides, options: CheckOptions): CheckedRight {
  switch (sides.operator) {
    case '==':
      return equal(sides);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(sides);
    case 'in':
      return member(sides);
    case 'contains':
      return contains(sides);
    case 'matches':
      return matches(sides, options);
    case 'startsWith':
    case 'endsWith':
      return affix(sides);
    case 'within':
      return within(sides);
  }
}

function equal(sides: Sides): CheckedRight {
  const { left, right } = sides;
  if (left.spec.type === 'strings') failCondition(sides.at, `\`${left.text}\` is a list`, 'use `contains`');
  if (right.kind === 'attribute') return attributeRight(sides, refOf(right));
  if (right.kind === 'list') return failCondition(right.at, 'a list is not compared with `==`', 'use `in`');
  return literalRight(left, right);
}

function literalRight(left: AttributeRef, literal: LiteralNode): CheckedRight {
  const { type, values } = left.spec;
  return { right: { kind: 'value', value: literalOf(literal, type, values) }, type };
}

function literalOf(literal: LiteralNode, type: ValueType, values: readonly string[] | null = null): Value {
  const reading = readLiteral(literal, type, values);
  if (isLiteralFault(reading)) return failCondition(literal.at, reading.fault, reading.mend);
  return reading.value;
}

function attributeRight(sides: Sides, attribute: AttributeRef): CheckedRight {
  const type = commonType(sides.left.spec.type, attribute.spec.type);
  if (type === null) {
    failCondition(
      sides.at,
      `\`${sides.left.text}\` is a ${sides.left.spec.type}, \`${attribute.text}\` a ${attribute.spec.type}: they are never equal`,
    );
  }
  return { right: { kind: 'attribute', attribute }, type: type as ValueType };
}

function commonType(a: ValueType, b: ValueType): ValueType | null {
  if (a === b) return a;
  if (a === 'strings' || b === 'strings') return null;
  if (a === 'any' || b === 'any') return typeWithAny(a === 'any' ? b : a);
  if (!isTextual(a) || !isTextual(b)) return null;
  // Text of an unsegmented kind may be held against any other; DNS names keep their disregard of case.
  if (a === 'string') return b;
  return b === 'string' ? a : null;
}

// A number from a caller may be seconds or milliseconds: nobody may guess, so it is no time.
function typeWithAny(type: ValueType): ValueType | null {
  return type === 'timestamp' || type === 'duration' ? null : type;
}

function ordered(sides: Sides): CheckedRight {
  const { left, right, operator, at } = sides;
  const { type } = left.spec;
  if (!isOrdered(type) && type !== 'any') failCondition(at, `\`${operator}\` does not order a ${type}`);
  if (right.kind === 'list') return failCondition(right.at, `\`${operator}\` takes one value`);
  if (right.kind === 'attribute') {
    const checked = attributeRight(sides, refOf(right));
    if (!isOrdered(checked.type) && checked.type !== 'any')
      failCondition(at, `\`${operator}\` does not order a ${checked.type}`);
    return checked.type === 'any' ? { ...checked, type: 'number' } : checked;
  }
  if (type !== 'any') return literalRight(left, right);
  return { right: { kind: 'value', value: literalOf(right, 'number') }, type: 'number' };
}

function member(sides: Sides): CheckedRight {
  const { left, right, at } = sides;
  const { type, values } = left.spec;
  if (type === 'strings') failCondition(at, `\`${left.text}\` is a list itself`, 'use `contains`');
  if (type === 'ip') return { right: { kind: 'blocks', blocks: itemsOf(right).map(blockOf) }, type };
  if (right.kind !== 'list') return failCondition(right.at, '`in` takes a list', 'write `in ["a", "b"]`');
  return { right: { kind: 'values', values: right.items.map((item) => literalOf(item, type, values)) }, type };
}

function itemsOf(operand: OperandNode): readonly LiteralNode[] {
  if (operand.kind === 'list') return (operand as ListNode).items;
  if (operand.kind === 'attribute') return failCondition(operand.at, 'expected a value or a list of values');
  return [operand];
}

function blockOf(literal: LiteralNode) {
  const block = literal.kind === 'string' ? parseCidr(literal.value) : undefined;
  if (block !== undefined) return block;
  const written = literal.kind === 'string' ? `\`${clip(literal.value)}\`` : `a ${literal.kind}`;
  return failCondition(
    literal.at,
    `${written} is no network such as \`10.0.0.0/8\``,
    'no bits may be set beyond the prefix',
  );
}

function contains(sides: Sides): CheckedRight {
  const { left, right, at } = sides;
  const { type } = left.spec;
  if (type !== 'strings' && type !== 'any' && !isTextual(type)) {
    failCondition(at, `\`${left.text}\` is a ${type}, neither a list nor text`);
  }
  const element: ValueType = type === 'any' ? 'any' : type === 'dns' ? 'dns' : 'string';
  if (right.kind === 'list') return failCondition(right.at, '`contains` takes one value');
  if (right.kind !== 'attribute') return { right: { kind: 'value', value: partOf(right, element) }, type };
  const attribute = refOf(right);
  const given = attribute.spec.type;
  const fits = given === 'any' || type === 'any' ? given !== 'strings' : isTextual(given);
  if (!fits) failCondition(right.at, `\`${attribute.text}\` is a ${given}, which \`${left.text}\` cannot contain`);
  return { right: { kind: 'attribute', attribute }, type };
}

// A part of a DNS name need not be one: `contains ".acme."`.
function partOf(literal: LiteralNode, element: ValueType): Value {
  const value = literalOf(literal, element === 'any' ? 'any' : 'string');
  return element === 'dns' ? String(value).toLowerCase() : value;
}

function matches(sides: Sides, options: CheckOptions): CheckedRight {
  const { left, right, at } = sides;
  const { type, path } = left.spec;
  if (!isTextual(type) && type !== 'any') failCondition(at, `\`matches\` does not take a ${type}`);
  if (right.kind !== 'string') return failCondition(right.at, '`matches` takes a pattern in double quotes');
  const isTrustDomain = path === 'principal.trust_domain';
  const glob = readPattern(right.value, { type, isTrustDomain, allowAnyTrustDomain: options.allowAnyTrustDomain });
  if (isLiteralFault(glob)) {
    throw new ConditionError({ at: right.at, code: glob.code, message: glob.fault, mend: glob.mend });
  }
  return { right: { kind: 'glob', glob }, type };
}

function affix(sides: Sides): CheckedRight {
  const { left, right, at, operator } = sides;
  const { type } = left.spec;
  if (!isTextual(type) && type !== 'any') failCondition(at, `\`${operator}\` does not take a ${type}`);
  if (right.kind !== 'string') return failCondition(right.at, `\`${operator}\` takes text in double quotes`);
  return { right: { kind: 'value', value: partOf(right, type === 'dns' ? 'dns' : 'string') }, type };
}

function within(sides: Sides): CheckedRight {
  const { left, right, at } = sides;
  if (left.spec.type !== 'timestamp')
    failCondition(at, `\`within\` takes a timestamp, \`${left.text}\` is a ${left.spec.type}`);
  const windows = itemsOf(right).map(windowOf);
  return { right: { kind: 'windows', windows }, type: 'timestamp' };
}

function windowOf(literal: LiteralNode): TimeWindow {
  if (literal.kind !== 'string') return failCondition(literal.at, 'a time window is written in double quotes');
  const window = parseTimeWindow(literal.value);
  if (!('fault' in window)) return window;
  const mend = window.zoneMissing ? 'end it with a zone such as `Europe/Berlin` or `UTC`' : null;
  throw new ConditionError({
    at: literal.at,
    code: window.zoneMissing ? 'L-TIME' : 'L-TYPE',
    message: window.fault,
    mend,
  });
}
