// HOT PATH (bench/policy.bench.ts). The rules of a plan by resource type and action, then by name. Buckets are made when
// first asked for; how many there can be is bounded by the words of the policy, not of the request.

import type { AttributeRef } from './attribute.ts';
import type { PlanRule, SymbolTable } from './compiled-policy.ts';
import type { Action } from './model.ts';

/** The rules that one type and action leave. */
export interface Bucket {
  readonly groups: readonly KeyedGroup[];
  /** Rules that no name narrows down. */
  readonly rest: readonly PlanRule[];
}

/** Rules that require an attribute to have one of some values. */
export interface KeyedGroup {
  readonly attribute: AttributeRef;
  readonly byValue: ReadonlyMap<string, readonly PlanRule[]>;
  /** For a request without the attribute: each of the rules is then unknown, not false. */
  readonly all: readonly PlanRule[];
}

const maxBuckets = 4096;

export class RuleIndex {
  readonly isEmpty: boolean;
  readonly #rules: readonly PlanRule[];
  readonly #buckets = new Map<number, Bucket>();
  readonly #rareBuckets = new Map<string, Bucket>();

  constructor(rules: readonly PlanRule[]) {
    this.#rules = rules;
    this.isEmpty = rules.length === 0;
  }

  /** Rules that can apply to the type and to any name of the action. */
  bucket(symbols: SymbolTable, type: string, action: Action): Bucket {
    const typeId = symbols.types.get(type) ?? 0;
    const { names } = action;
    if (names.length > 2) return this.#rareBucket(symbols, typeId, names);
    const first = names.length > 0 ? (symbols.actions.get(names[0]!) ?? 0) : 0;
    const second = names.length > 1 ? (symbols.actions.get(names[1]!) ?? 0) : 0;
    const width = symbols.actions.size + 1;
    const key = (typeId * width + first) * width + second;
    return this.#buckets.get(key) ?? this.#add(this.#buckets, key, { typeId, actionIds: [first, second] });
  }

  #rareBucket(symbols: SymbolTable, typeId: number, names: readonly string[]): Bucket {
    const actionIds = [...new Set(names.map((name) => symbols.actions.get(name) ?? 0))].sort((a, b) => a - b);
    const key = `${typeId}:${actionIds.join(',')}`;
    return this.#rareBuckets.get(key) ?? this.#add(this.#rareBuckets, key, { typeId, actionIds });
  }

  #add<K>(buckets: Map<K, Bucket>, key: K, asked: Asked): Bucket {
    const bucket = bucketOf(this.#rules.filter((planRule) => applies(planRule, asked)));
    if (buckets.size >= maxBuckets) buckets.clear();
    buckets.set(key, bucket);
    return bucket;
  }
}

interface Asked {
  readonly typeId: number;
  readonly actionIds: readonly number[];
}

function applies({ rule }: PlanRule, asked: Asked): boolean {
  if (rule.typeIds !== null && !rule.typeIds.includes(asked.typeId)) return false;
  return rule.actionIds === null || rule.actionIds.some((id) => asked.actionIds.includes(id));
}

interface GroupDraft extends KeyedGroup {
  readonly byValue: Map<string, PlanRule[]>;
  readonly all: PlanRule[];
}

function bucketOf(rules: readonly PlanRule[]): Bucket {
  const groups = new Map<string, GroupDraft>();
  const rest: PlanRule[] = [];
  for (const planRule of rules) {
    const { key } = planRule.rule;
    if (key === null) {
      rest.push(planRule);
      continue;
    }
    const group: GroupDraft = groups.get(key.attribute.text) ?? {
      attribute: key.attribute,
      byValue: new Map(),
      all: [],
    };
    groups.set(key.attribute.text, group);
    group.all.push(planRule);
    for (const value of key.values) {
      const sharing = group.byValue.get(value);
      if (sharing === undefined) group.byValue.set(value, [planRule]);
      else sharing.push(planRule);
    }
  }
  return { groups: [...groups.values()], rest };
}
