// From checked documents to a PolicySet: order, numbering, indexes (policy.md 4.2).

import type { Glob } from '../lib/glob.ts';
import type { AttributeRef } from './attribute.ts';
import type { CompiledPolicy, CompiledRule, PolicySet, RuleGroup } from './compiled-policy.ts';
import type { Expression } from './expression.ts';
import { FactsOfExpressions } from './expression-facts.ts';
import type { PolicyDocument } from './policy-document.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { reportError } from './policy-finding.ts';
import { maxRules } from './policy-reader.ts';
import { PrincipalTrie } from './principal-trie.ts';
import { compileRule, requirementsOf, Symbols, targetExpression } from './rule-compiler.ts';
import { conjuncts, pinsOf } from './rule-keys.ts';

export interface CompileOptions {
  /** Most rules that no principal, type or name narrows down: each is looked at for every request. Default 1,000. */
  readonly maxUnindexedRules: number;
}

export const compileDefaults: CompileOptions = Object.freeze({ maxUnindexedRules: 1000 });

/** A compiled bundle, or why there is none. */
export type CompileResult =
  | { readonly ok: true; readonly set: PolicySet }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] };

/** Compiles a whole bundle, one policy a step. `digest` names its text. Yields the number of rules compiled. */
export function* compilePoliciesInSteps(
  documents: readonly PolicyDocument[],
  digest: string,
  options: CompileOptions,
): Generator<number, CompileResult> {
  const findings: PolicyFinding[] = [];
  reportTwins(documents, findings);
  const ordered = documents.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const compiler = new Compiler();
  for (const document of ordered) {
    if (document.mode === 'disabled') continue;
    compiler.add(document);
    yield document.rules.length;
  }
  const set = compiler.finish(digest);
  reportLimits(set, options, findings);
  return findings.length > 0 ? { ok: false, findings } : { ok: true, set };
}

function reportTwins(documents: readonly PolicyDocument[], findings: PolicyFinding[]): void {
  const first = new Map<string, PolicyDocument>();
  for (const document of documents) {
    const { name, position } = document;
    const twin = first.get(name);
    if (twin === undefined) {
      first.set(name, document);
      continue;
    }
    const place = { policy: name, rule: null, report: (finding: PolicyFinding) => findings.push(finding) };
    const message = `policy \`${name}\` is also in ${twin.position.file}:${twin.position.line}`;
    reportError(place, { code: 'L-KEY', message, mend: 'give each policy its own name', position });
  }
}

function reportLimits(set: PolicySet, options: CompileOptions, findings: PolicyFinding[]): void {
  const first = set.policies[0];
  if (first === undefined) return;
  const place = { policy: null, rule: null, report: (finding: PolicyFinding) => findings.push(finding) };
  const { position } = first.document;
  if (set.ruleCount > maxRules) {
    const message = `a bundle has at most ${maxRules} rules, this one has ${set.ruleCount}`;
    reportError(place, { code: 'E-LIMIT', message, position });
  }
  const unindexed = [...set.broad, ...set.unpinned].flatMap((group) => group.rules.filter(isUnindexed)).length;
  if (unindexed > options.maxUnindexedRules) {
    const message = `${unindexed} rules name no SPIFFE ID, resource type or name, so each request would look at all of them`;
    const mend = `narrow them, or raise max_unindexed_rules (${options.maxUnindexedRules})`;
    reportError(place, { code: 'E-LIMIT', message, mend, position });
  }
}

function isUnindexed(rule: CompiledRule): boolean {
  return rule.typeIds === null && rule.key === null;
}

class Compiler {
  readonly #types = new Symbols();
  readonly #actions = new Symbols();
  readonly #policies: CompiledPolicy[] = [];
  readonly #broad: RuleGroup[] = [];
  readonly #unpinned: RuleGroup[] = [];
  readonly #pinned = new PrincipalTrie<RuleGroup>();
  readonly #read = new Map<string, AttributeRef>();
  readonly #facts = new FactsOfExpressions();
  #ruleCount = 0;

  finish(digest: string): PolicySet {
    return Object.freeze({
      digest,
      policies: Object.freeze(this.#policies),
      ruleCount: this.#ruleCount,
      symbols: { types: this.#types.ids, actions: this.#actions.ids },
      broad: Object.freeze(this.#broad),
      unpinned: Object.freeze(this.#unpinned),
      pinned: this.#pinned,
      attributes: Object.freeze([...this.#read.values()]),
      principalAttributes: Object.freeze([...this.#read.values()].filter(({ spec }) => spec.root === 'principal')),
    });
  }

  add(document: PolicyDocument): void {
    const ordinal = this.#policies.length;
    const expression = targetExpression(document.principals, 'principals');
    const isBroad = expression === null || this.#facts.of(expression).isBroad;
    const rules = this.#rules(document, ordinal, isBroad);
    const applies = expression && this.#facts.of(expression).test;
    const policy: CompiledPolicy = Object.freeze({ ordinal, document, applies, isBroad, rules });
    if (expression !== null) this.#note(expression);
    this.#group(policy, expression === null ? null : pinsOf(conjuncts(expression)));
    this.#policies.push(policy);
  }

  #rules(policy: PolicyDocument, policyOrdinal: number, isBroadPolicy: boolean): readonly CompiledRule[] {
    const shared = { types: this.#types, actions: this.#actions, facts: this.#facts };
    const context = { policy, policyOrdinal, isBroadPolicy, ...shared };
    const enabled = policy.rules.filter((rule) => rule.mode !== 'disabled');
    return Object.freeze(
      enabled.map((rule) => {
        const parts = requirementsOf(rule);
        for (const part of parts) this.#note(part);
        return compileRule(rule, parts, { ...context, ordinal: this.#ruleCount++ });
      }),
    );
  }

  #note(expression: Expression): void {
    for (const attribute of this.#facts.of(expression).attributes) this.#read.set(attribute.text, attribute);
  }

  // A pinned policy is found by its SPIFFE IDs, with all its rules. Rules of any other policy are pinned one by one; what
  // is left of it, and the policy itself for its default, is looked at for every principal of the kind.
  #group(policy: CompiledPolicy, pins: readonly Glob[] | null): void {
    if (pins !== null) {
      this.#pin(pins, { policy, rules: policy.rules });
      return;
    }
    const left = policy.rules.filter((rule) => {
      const own = pinsOf(rule.requirements);
      if (own !== null) this.#pin(own, { policy, rules: [rule] });
      return own === null;
    });
    const broad = policy.isBroad ? left.filter((rule) => rule.isShared) : [];
    const narrow = policy.isBroad ? left.filter((rule) => !rule.isShared) : left;
    if (policy.isBroad) this.#broad.push(Object.freeze({ policy, rules: broad }));
    if (!policy.isBroad || narrow.length > 0) this.#unpinned.push(Object.freeze({ policy, rules: narrow }));
  }

  #pin(pins: readonly Glob[], group: RuleGroup): void {
    Object.freeze(group);
    for (const pin of pins) this.#pinned.add(pin, group);
  }
}
