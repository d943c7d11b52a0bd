// HOT PATH (bench/policy.bench.ts). A bundle as seen by one principal: two look-ups, then the few requirements that are
// left. Whatever goes wrong inside is a deny with reason `engine_error`.

import type { AttributeRef } from './attribute.ts';
import type { CompiledRule, PlanRule, PolicySet } from './compiled-policy.ts';
import { FALSE, TRUE, type Truth, UNKNOWN } from './kleene.ts';
import type { Action, AuthzRequest, Decision } from './model.ts';
import type { OutcomeNode } from './outcome-tree.ts';
import { OutcomeTree, outcomesAt } from './outcome-tree.ts';
import type { Folded } from './plan-build.ts';
import type { Effect } from './policy-document.ts';
import type { RuleIndex } from './rule-index.ts';
import { unknownAttributes } from './unknown-attributes.ts';
import type { ApplyingPolicy, Verdict } from './verdict.ts';
import { verdictOf } from './verdict.ts';
import { joinRequired } from './verdict-join.ts';

/** What all plans of a bundle share. */
export interface PlanContext {
  readonly set: PolicySet;
  readonly globalDefault: Effect;
  /** How often each rule fired, by ordinal. */
  readonly hits: Float64Array;
  /** Makes the decision of a verdict; only the engine can make an allow. */
  readonly seal: (verdict: Verdict) => Decision;
  readonly engineError: Decision;
}

export class PrincipalPlan {
  readonly #context: PlanContext;
  readonly #broad: RuleIndex;
  readonly #own: RuleIndex;
  readonly #applying: readonly ApplyingPolicy[];
  readonly #tree = new OutcomeTree();
  readonly #joined = new WeakMap<Decision, WeakMap<Decision, Decision>>();

  constructor(context: PlanContext, broad: Folded, own: Folded) {
    this.#context = context;
    this.#broad = broad.index;
    this.#own = own.index;
    this.#applying = merged(broad.applying, own.applying);
  }

  /** Decides; throws what the tests throw, which the caller turns into `engineError`. */
  decide(request: AuthzRequest): Decision {
    const { actions } = request;
    // No action asked for is no action allowed.
    if (actions.length === 0 || typeof request.resource.type !== 'string') return this.#context.engineError;
    let decision = this.#decideOne(request, actions[0]!);
    for (let n = 1; n < actions.length; n++) decision = this.#join(decision, this.#decideOne(request, actions[n]!));
    return decision;
  }

  #decideOne(request: AuthzRequest, action: Action): Decision {
    const asked: Asked = { request, action };
    const node = this.#walk(this.#own, asked, this.#walk(this.#broad, asked, this.#tree.root));
    const { hits } = node;
    for (let n = 0; n < hits.length; n++) this.#context.hits[hits[n]!]!++;
    return node.decision ?? this.#conclude(node);
  }

  #walk(index: RuleIndex, asked: Asked, from: OutcomeNode): OutcomeNode {
    if (index.isEmpty) return from;
    const { request, action } = asked;
    const bucket = index.bucket(this.#context.set.symbols, request.resource.type, action);
    let node = from;
    for (let n = 0; n < bucket.groups.length; n++) {
      const group = bucket.groups[n]!;
      const value = group.attribute.spec.read(request, noKeys, action);
      const rules = typeof value === 'string' ? group.byValue.get(value) : group.all;
      if (rules !== undefined) node = this.#try(rules, asked, node);
    }
    return bucket.rest.length === 0 ? node : this.#try(bucket.rest, asked, node);
  }

  #try(rules: readonly PlanRule[], asked: Asked, from: OutcomeNode): OutcomeNode {
    let node = from;
    for (let n = 0; n < rules.length; n++) {
      const planRule = rules[n]!;
      const truth = truthOfRule(planRule, asked);
      if (truth === TRUE) node = this.#tree.afterTrue(node, planRule.rule);
      else if (truth === UNKNOWN) node = this.#tree.afterUnknown(node, planRule.rule, missingFor(planRule.rule, asked));
    }
    return node;
  }

  #conclude(node: OutcomeNode): Decision {
    const { set, globalDefault, seal, hits } = this.#context;
    const outcomes = outcomesAt(node);
    node.hits = outcomes
      .filter(({ rule, truth }) => truth === TRUE || rule.ref.effect === 'deny')
      .map(({ rule }) => rule.ordinal);
    for (const ordinal of node.hits) hits[ordinal]!++;
    const decision = seal(verdictOf({ set, globalDefault, applying: this.#applying, outcomes }));
    node.decision = decision;
    return decision;
  }

  #join(a: Decision, b: Decision): Decision {
    if (a === b) return a;
    let known = this.#joined.get(a);
    if (known === undefined) {
      known = new WeakMap();
      this.#joined.set(a, known);
    }
    let joined = known.get(b);
    if (joined === undefined) {
      joined = this.#context.seal(joinRequired(a, b));
      known.set(b, joined);
    }
    return joined;
  }
}

interface Asked {
  readonly request: AuthzRequest;
  readonly action: Action;
}

const noKeys: AttributeRef['keys'] = Object.freeze([]);

function missingFor(rule: CompiledRule, { request, action }: Asked): readonly string[] {
  return unknownAttributes(rule.requirements, request, action);
}

function truthOfRule(planRule: PlanRule, { request, action }: Asked): Truth {
  const { tests } = planRule;
  let truth: Truth = planRule.isCertain ? TRUE : UNKNOWN;
  for (let n = 0; n < tests.length; n++) {
    const one = tests[n]!(request, action);
    if (one === FALSE) return FALSE;
    if (one === UNKNOWN) truth = UNKNOWN;
  }
  return truth;
}

function merged(broad: readonly ApplyingPolicy[], own: readonly ApplyingPolicy[]): readonly ApplyingPolicy[] {
  const byOrdinal = new Map([...broad, ...own].map((applying) => [applying.policy.ordinal, applying]));
  return [...byOrdinal.values()].sort((a, b) => a.policy.ordinal - b.policy.ordinal);
}
