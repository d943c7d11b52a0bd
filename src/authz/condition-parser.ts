// Recursive descent over the EBNF of policy.md 1.3, with its limits.

import { nearestWord } from '../lib/nearest-word.ts';
import type { AttributeStep } from './attribute.ts';
import { attributeRoots } from './attribute.ts';
import type { AttributeRoot } from './attribute-schema.ts';
import type { AttributeNode, ConditionNode, ListNode, LiteralNode, OperandNode, Operator } from './condition-ast.ts';
import type { Token } from './condition-lexer.ts';
import { ConditionError, clip, failCondition, lexCondition } from './condition-lexer.ts';

/** Longest condition, characters. */
export const maxConditionLength = 4096;
/** Deepest nesting of parentheses and negations. */
export const maxConditionDepth = 32;
/** Longest list literal. */
export const maxListItems = 10_000;

const signOperators: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const wordOperators: ReadonlySet<string> = new Set(['in', 'matches', 'startsWith', 'endsWith', 'contains', 'within']);
const reserved: ReadonlySet<string> = new Set(['regex', 'if', 'else', 'null', 'now', 'any', 'all', 'has']);
const connectives: ReadonlySet<string> = new Set(['and', 'or', 'not', 'exists', 'missing', 'true', 'false']);

/** Parses one condition. Throws ConditionError. */
export function parseCondition(text: string): ConditionNode {
  if (text.length > maxConditionLength) {
    failLimit(0, `a condition has at most ${maxConditionLength} characters`);
  }
  const parser = new Parser(lexCondition(text));
  return parser.whole();
}

function failLimit(at: number, message: string): never {
  throw new ConditionError({ at, code: 'E-LIMIT', message, mend: null });
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): ConditionNode {
    const node = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end') failCondition(rest.at, `unexpected ${shown(rest)}`, this.#mendOfRest(rest));
    return node;
  }

  #mendOfRest(rest: Token): string {
    const near = rest.kind === 'word' ? nearestWord(rest.text, [...wordOperators, 'and', 'or', 'not']) : null;
    return near === null
      ? 'join conditions with `and` or `or`, or write them as separate list items'
      : `did you mean \`${near}\`?`;
  }

  #or(): ConditionNode {
    return this.#chain('or', '||', () => this.#and());
  }

  #and(): ConditionNode {
    return this.#chain('and', '&&', () => this.#not());
  }

  #chain(kind: 'or' | 'and', sign: string, part: () => ConditionNode): ConditionNode {
    const items = [part()];
    while (this.#takes(kind) || this.#takes(sign)) items.push(part());
    const first = items[0]!;
    return items.length === 1 ? first : { kind, items, at: first.at, end: items.at(-1)!.end };
  }

  #not(): ConditionNode {
    const { at } = this.#peek();
    if (!this.#takes('not') && !this.#takes('!')) return this.#predicate();
    const item = this.#nested(at, () => this.#not());
    return { kind: 'not', item, at, end: item.end };
  }

  #nested<T>(at: number, inner: () => T): T {
    this.#depth++;
    if (this.#depth > maxConditionDepth) failLimit(at, `nested deeper than ${maxConditionDepth} levels`);
    const result = inner();
    this.#depth--;
    return result;
  }

  #predicate(): ConditionNode {
    const first = this.#peek();
    if (this.#takes('(')) {
      const inner = this.#nested(first.at, () => this.#or());
      this.#expect(')');
      return inner;
    }
    if (this.#takes('exists')) return this.#existence('exists', first.at);
    if (this.#takes('missing')) return this.#existence('missing', first.at);
    return this.#comparison();
  }

  #existence(kind: 'exists' | 'missing', at: number): ConditionNode {
    const bracketed = this.#takes('(');
    const attribute = this.#attribute();
    if (bracketed) this.#expect(')');
    return { kind, attribute, at, end: bracketed ? this.#tokens[this.#next - 1]!.end : attribute.end };
  }

  #comparison(): ConditionNode {
    const left = this.#operand();
    const operator = this.#operator();
    if (operator === null) return { kind: 'bare', operand: left, at: left.at, end: left.end };
    const right = this.#operand();
    return { kind: 'compare', ...operator, left, right, at: left.at, end: right.end };
  }

  #operator(): { readonly operator: Operator; readonly negated: boolean } | null {
    const token = this.#peek();
    if (token.kind === 'sign' && signOperators.has(token.text)) {
      this.#next++;
      return { operator: token.text as Operator, negated: false };
    }
    const after = this.#tokens[this.#next + 1];
    const negated = isWord(token, 'not') && after?.kind === 'word' && wordOperators.has(after.text);
    const word = negated ? after : token;
    if (word.kind !== 'word' || !wordOperators.has(word.text)) return null;
    this.#next += negated ? 2 : 1;
    return { operator: word.text as Operator, negated };
  }

  #operand(): OperandNode {
    const token = this.#peek();
    if (token.kind === 'sign' && token.text === '[') return this.#list();
    if (token.kind === 'word' && attributeRoots.has(token.text)) return this.#attribute();
    return this.#literal();
  }

  #list(): ListNode {
    const { at } = this.#peek();
    this.#expect('[');
    const items: LiteralNode[] = [];
    while (!this.#isAt(']')) {
      items.push(this.#literal());
      if (items.length > maxListItems) failLimit(at, `a list has at most ${maxListItems} items`);
      if (!this.#takes(',')) break;
    }
    const { end } = this.#peek();
    this.#expect(']');
    return { kind: 'list', items, at, end };
  }

  #literal(): LiteralNode {
    const token = this.#peek();
    if (token.kind === 'end') failCondition(token.at, 'the condition ends where a value is expected');
    if (token.kind === 'sign')
      failCondition(token.at, `unexpected ${shown(token)}`, 'expected an attribute or a value');
    this.#next++;
    if (token.kind !== 'word') return token as LiteralNode;
    if (token.text === 'true' || token.text === 'false') {
      return { kind: 'bool', value: token.text === 'true', at: token.at, end: token.end };
    }
    return this.#noLiteral(token.text, token.at);
  }

  #noLiteral(word: string, at: number): never {
    if (reserved.has(word))
      failCondition(at, `\`${word}\` is reserved`, word === 'null' ? 'write `missing attribute`' : null);
    const root = nearestWord(word, attributeRoots);
    const dotted = this.#isAt('.');
    if (dotted || root !== null) {
      const mend =
        root === null ? `attributes start with ${[...attributeRoots].join(', ')}` : `did you mean \`${root}\`?`;
      throw new ConditionError({ at, code: 'L-ATTR', message: `there is no attribute root \`${clip(word)}\``, mend });
    }
    return failCondition(
      at,
      `unexpected \`${clip(word)}\``,
      connectives.has(word) ? null : 'put strings in double quotes',
    );
  }

  #attribute(): AttributeNode {
    const token = this.#peek();
    if (token.kind !== 'word' || !attributeRoots.has(token.text)) this.#noAttribute(token);
    this.#next++;
    const steps: AttributeStep[] = [];
    let { end } = token;
    for (let step = this.#step(); step !== null; step = this.#step()) {
      steps.push(step);
      end = this.#tokens[this.#next - 1]!.end;
    }
    return { kind: 'attribute', root: (token as { text: string }).text as AttributeRoot, steps, at: token.at, end };
  }

  #noAttribute(token: Token): void {
    if (token.kind === 'word') {
      this.#next++;
      this.#noLiteral(token.text, token.at);
    }
    failCondition(token.at, `expected an attribute, found ${shown(token)}`);
  }

  #step(): AttributeStep | null {
    if (this.#takes('.')) {
      const token = this.#peek();
      if (token.kind !== 'word') failCondition(token.at, `expected a name after \`.\`, found ${shown(token)}`);
      this.#next++;
      return { name: (token as { text: string }).text, quoted: false };
    }
    if (!this.#takes('[')) return null;
    const token = this.#peek();
    if (token.kind !== 'string') failCondition(token.at, `expected a quoted key, found ${shown(token)}`);
    this.#next++;
    this.#expect(']');
    return { name: (token as { value: string }).value, quoted: true };
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #isAt(text: string): boolean {
    const token = this.#peek();
    return (token.kind === 'sign' || token.kind === 'word') && token.text === text;
  }

  #takes(text: string): boolean {
    const found = this.#isAt(text);
    if (found) this.#next++;
    return found;
  }

  #expect(text: string): void {
    const token = this.#peek();
    if (!this.#takes(text)) failCondition(token.at, `expected \`${text}\`, found ${shown(token)}`);
  }
}

function isWord(token: Token, text: string): boolean {
  return token.kind === 'word' && token.text === text;
}

function shown(token: Token): string {
  if (token.kind === 'end') return 'the end';
  if (token.kind === 'word' || token.kind === 'sign') return `\`${clip(token.text)}\``;
  return `a ${token.kind}`;
}
