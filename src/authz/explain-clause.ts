// One requirement of a rule held against a request: its value, and for each comparison in it what was expected and what
// was there.

import type { SourcePosition } from '../errors.ts';
import type { AttributeRef } from './attribute.ts';
import type { Comparison, Expression } from './expression.ts';
import { type Truth, truthText } from './kleene.ts';
import type { Action, AuthzRequest } from './model.ts';
import { MISTYPED } from './model.ts';
import { interpret, valueAt } from './reference-interpreter.ts';

/** Where in a rule a requirement stands. */
export type ClausePart = 'policy principals' | 'principals' | 'actions' | 'resources' | 'conditions' | 'expires';

/** One comparison: what it wants of an attribute, and what the request has. */
export interface FactReport {
  readonly attribute: string;
  readonly expected: string;
  /** JSON of the value, `missing`, or `of the wrong type`. */
  readonly actual: string;
  readonly value: 'true' | 'false' | 'unknown';
}

export interface ClauseReport {
  readonly part: ClausePart;
  readonly text: string;
  readonly value: 'true' | 'false' | 'unknown';
  readonly line: number;
  readonly facts: readonly FactReport[];
}

export interface Asked {
  readonly request: AuthzRequest;
  readonly action: Action;
}

/** Headers whose values are credentials: an explanation says only that they are there. */
const secretHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'x-amz-security-token',
  'dpop',
]);
const longestActual = 256;

/** Reports a requirement. */
export function explainClause(
  clause: {
    readonly part: ClausePart;
    readonly expression: Expression;
    readonly text: string;
    readonly position: SourcePosition;
  },
  asked: Asked,
): ClauseReport {
  const { part, expression, text, position } = clause;
  const value = truthText(interpret(expression, asked.request, asked.action));
  return { part, text, value, line: position.line, facts: factsOf(expression, false, asked) };
}

function factsOf(expression: Expression, isNegated: boolean, asked: Asked): readonly FactReport[] {
  switch (expression.kind) {
    case 'constant':
      return [];
    case 'all':
    case 'any':
      return expression.items.flatMap((item) => factsOf(item, isNegated, asked));
    case 'not':
      return factsOf(expression.item, !isNegated, asked);
    case 'exists':
      return [
        fact(expression, { attribute: expression.attribute, expected: isNegated ? 'missing' : 'present' }, asked),
      ];
    case 'holds':
      return [fact(expression, { attribute: expression.attribute, expected: isNegated ? 'false' : 'true' }, asked)];
    case 'compare':
      return [comparisonFact(expression, isNegated, asked)];
  }
}

function comparisonFact(comparison: Comparison, isNegated: boolean, asked: Asked): FactReport {
  const relation =
    isNegated && comparison.operator === '==' ? '!=' : `${isNegated ? 'not ' : ''}${comparison.operator}`;
  const expected = `${relation} ${rightText(comparison, asked)}`;
  return fact(comparison, { attribute: comparison.left, expected }, asked);
}

function fact(
  expression: Expression,
  about: { readonly attribute: AttributeRef; readonly expected: string },
  asked: Asked,
): FactReport {
  const truth: Truth = interpret(expression, asked.request, asked.action);
  const actual = actualText(about.attribute, asked);
  return { attribute: about.attribute.text, expected: about.expected, actual, value: truthText(truth) };
}

function rightText({ right, type }: Comparison, asked: Asked): string {
  switch (right.kind) {
    case 'value':
      return type === 'timestamp' ? new Date(Number(right.value)).toISOString() : JSON.stringify(right.value);
    case 'values':
      return clip(JSON.stringify(right.values));
    case 'attribute':
      return `${right.attribute.text} (${actualText(right.attribute, asked)})`;
    case 'glob':
      return JSON.stringify(right.glob.pattern);
    case 'blocks':
      return clip(right.blocks.map((block) => block.text).join(', '));
    case 'windows':
      return right.windows.map((window) => window.text).join(', ');
  }
}

/** The value as people read it. */
export function actualText(attribute: AttributeRef, { request, action }: Asked): string {
  const value = valueAt(attribute, request, action);
  if (value === undefined) return 'missing';
  if (value === MISTYPED) return 'of the wrong type';
  if (attribute.spec.path === 'request.http.headers' && secretHeaders.has(attribute.keys[0] ?? ''))
    return 'present, not shown';
  if (attribute.spec.type === 'timestamp' && typeof value === 'number' && Math.abs(value) <= 8e15)
    return new Date(value).toISOString();
  return clip(safeJson(value));
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value) ?? String(value);
  } catch {
    return typeof value;
  }
}

function clip(text: string): string {
  return text.length > longestActual ? `${text.slice(0, longestActual)}…` : text;
}
