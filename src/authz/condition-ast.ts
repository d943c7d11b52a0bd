// A condition as written, before names and types are looked at. `at` and `end` are indexes into its text.

import type { AttributeStep } from './attribute.ts';
import type { AttributeRoot } from './attribute-schema.ts';

export interface Span {
  readonly at: number;
  readonly end: number;
}

export type LiteralNode =
  | (Span & { readonly kind: 'string'; readonly value: string; readonly starEscape: boolean })
  | (Span & { readonly kind: 'number'; readonly value: number })
  | (Span & { readonly kind: 'duration'; readonly ms: number })
  | (Span & { readonly kind: 'bool'; readonly value: boolean });

export type AttributeNode = Span & {
  readonly kind: 'attribute';
  readonly root: AttributeRoot;
  readonly steps: readonly AttributeStep[];
};

export type ListNode = Span & { readonly kind: 'list'; readonly items: readonly LiteralNode[] };

export type OperandNode = LiteralNode | AttributeNode | ListNode;

export type Operator =
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | 'matches'
  | 'startsWith'
  | 'endsWith'
  | 'contains'
  | 'within';

export type ConditionNode =
  | (Span & { readonly kind: 'or' | 'and'; readonly items: readonly ConditionNode[] })
  | (Span & { readonly kind: 'not'; readonly item: ConditionNode })
  | (Span & { readonly kind: 'exists' | 'missing'; readonly attribute: AttributeNode })
  | (Span & { readonly kind: 'bare'; readonly operand: OperandNode })
  | (Span & {
      readonly kind: 'compare';
      readonly operator: Operator;
      /** `not in`, `not matches`, … */
      readonly negated: boolean;
      readonly left: OperandNode;
      readonly right: OperandNode;
    });
