// HOT PATH (bench/policy.bench.ts). Remembers the decision for each sequence of outcomes that a plan has seen, so that the
// same outcome is the same frozen object and combining costs nothing the second time. Bounded: beyond the bound decisions
// are made anew.

import type { CompiledRule } from './compiled-policy.ts';
import { TRUE, UNKNOWN } from './kleene.ts';
import type { Decision } from './model.ts';
import type { Outcome } from './verdict.ts';

const maxNodes = 4096;

/** One point on the way; `decision` is filled when a request has ended here. */
export interface OutcomeNode {
  readonly parent: OutcomeNode | null;
  readonly outcome: Outcome | null;
  /** Of rules that fired, by ordinal. */
  fired: Map<number, OutcomeNode> | null;
  /** Of rules that stayed unknown, by ordinal and attributes. */
  unknown: Map<string, OutcomeNode> | null;
  decision: Decision | null;
  /** Ordinals of the rules whose counters a request that ends here raises. */
  hits: readonly number[];
}

export class OutcomeTree {
  readonly root: OutcomeNode = newNode(null, null);
  #nodes = 1;

  /** The node after `rule` was true. */
  afterTrue(node: OutcomeNode, rule: CompiledRule): OutcomeNode {
    return node.fired?.get(rule.ordinal) ?? this.#addTrue(node, rule);
  }

  #addTrue(parent: OutcomeNode, rule: CompiledRule): OutcomeNode {
    const node = newNode(parent, { rule, truth: TRUE, attributes: Object.freeze([]) });
    if (this.#room()) {
      parent.fired ??= new Map();
      parent.fired.set(rule.ordinal, node);
    }
    return node;
  }

  /** The node after `rule` was unknown for want of `attributes`. */
  afterUnknown(node: OutcomeNode, rule: CompiledRule, attributes: readonly string[]): OutcomeNode {
    const key = `${rule.ordinal} ${attributes.join(' ')}`;
    const known = node.unknown?.get(key);
    if (known !== undefined) return known;
    const added = newNode(node, { rule, truth: UNKNOWN, attributes: Object.freeze([...attributes]) });
    if (this.#room()) {
      node.unknown ??= new Map();
      node.unknown.set(key, added);
    }
    return added;
  }

  #room(): boolean {
    if (this.#nodes >= maxNodes) return false;
    this.#nodes++;
    return true;
  }
}

function newNode(parent: OutcomeNode | null, outcome: Outcome | null): OutcomeNode {
  return { parent, outcome, fired: null, unknown: null, decision: null, hits: [] };
}

/** What led to a node, in the order of the rules. */
export function outcomesAt(node: OutcomeNode): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at: OutcomeNode | null = node; at !== null; at = at.parent)
    if (at.outcome !== null) outcomes.push(at.outcome);
  return outcomes.sort((a, b) => a.rule.ordinal - b.rule.ordinal);
}
