// The type pass (policy.md 1.3): resolves the attributes of a parsed condition, gives each literal the type of the other
// side, and yields an Expression. Throws ConditionError; what it lets through cannot fail while a request is judged.

import type { CheckOptions } from './check-options.ts';
import { checkComparison } from './comparison-types.ts';
import type { ConditionNode, OperandNode } from './condition-ast.ts';
import { refOf } from './condition-attribute.ts';
import { failCondition } from './condition-lexer.ts';
import { parseCondition } from './condition-parser.ts';
import type { Expression } from './expression.ts';
import { allOf, anyOf, negate } from './expression.ts';

/** Parses and checks one condition. Throws ConditionError. */
export function readCondition(text: string, options: CheckOptions): Expression {
  return new Checker(text, options).check(parseCondition(text));
}

class Checker {
  readonly #text: string;
  readonly #options: CheckOptions;

  constructor(text: string, options: CheckOptions) {
    this.#text = text;
    this.#options = options;
  }

  check(node: ConditionNode): Expression {
    const text = this.#text.slice(node.at, node.end);
    switch (node.kind) {
      case 'and':
        return allOf(
          node.items.map((item) => this.check(item)),
          text,
        );
      case 'or':
        return anyOf(
          node.items.map((item) => this.check(item)),
          text,
        );
      case 'not':
        return negate(this.check(node.item), text);
      case 'exists':
        return { kind: 'exists', attribute: refOf(node.attribute), text };
      case 'missing':
        return negate({ kind: 'exists', attribute: refOf(node.attribute), text }, text);
      case 'bare':
        return this.#bare(node.operand, text);
      case 'compare': {
        const comparison = checkComparison(node, text, this.#options);
        return node.negated || node.operator === '!=' ? negate(comparison, text) : comparison;
      }
    }
  }

  #bare(operand: OperandNode, text: string): Expression {
    if (operand.kind === 'bool') return { kind: 'constant', value: operand.value, text };
    if (operand.kind !== 'attribute') return failCondition(operand.at, `a ${operand.kind} alone is no condition`);
    const attribute = refOf(operand);
    const { type } = attribute.spec;
    if (type !== 'bool' && type !== 'any') {
      failCondition(operand.at, `\`${attribute.text}\` is a ${type}, not true or false`, 'compare it with something');
    }
    return { kind: 'holds', attribute, text };
  }
}
