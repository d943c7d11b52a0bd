// A bundle in the form in which plans are made from it. Built once, never changed; the linter and the explanation use the
// documents, the plans the rest.

import type { AttributeRef } from './attribute.ts';
import type { Expression, Test } from './expression.ts';
import type { RuleRef } from './model.ts';
import type { PolicyDocument, RuleDocument } from './policy-document.ts';
import type { PrincipalTrie } from './principal-trie.ts';

export interface CompiledPolicy {
  readonly ordinal: number;
  readonly document: PolicyDocument;
  /** `principals:`; null applies to every principal. */
  readonly applies: Test | null;
  /** Reads no more of the principal than its type and how it proved itself. */
  readonly isBroad: boolean;
  /** Without those that are disabled. */
  readonly rules: readonly CompiledRule[];
}

export interface CompiledRule {
  /** By name of the policy, then by place in it: the order in which rules are named. */
  readonly ordinal: number;
  readonly document: RuleDocument;
  /** One object for a rule, as it stands in decisions. */
  readonly ref: RuleRef;
  readonly policyOrdinal: number;
  readonly policyMode: 'enforce' | 'shadow';
  /** `shadow` also where the policy is. */
  readonly mode: 'enforce' | 'shadow';
  /** Everything that must hold, the policy's principals included and the actions not; for the record of what was missing. */
  readonly requirements: readonly Expression[];
  /** Requirements that a plan folds away. */
  readonly principalTests: readonly Test[];
  /** All others, the cheapest first. Type and action are left to the index. */
  readonly requestTests: readonly Test[];
  /** In one index for all callers of a kind, not in the plan of each. */
  readonly isShared: boolean;
  /** Ids in `SymbolTable`; null: any. */
  readonly typeIds: readonly number[] | null;
  readonly actionIds: readonly number[] | null;
  /** Attribute and values by which requests find the rule; null: by none. */
  readonly key: RuleKey | null;
  /** Seconds; null if the rule puts no bound on the right. */
  readonly ttlS: number | null;
  /** The sidecar cannot do what the rule obliges it to. */
  readonly isUnsupported: boolean;
  /** The rule where its principal part is true, and where it is unknown. Shared by all plans. */
  readonly certain: PlanRule;
  readonly uncertain: PlanRule;
}

export interface RuleKey {
  readonly attribute: AttributeRef;
  readonly values: readonly string[];
}

export interface PlanRule {
  readonly rule: CompiledRule;
  readonly isCertain: boolean;
  readonly tests: readonly Test[];
}

/** Rules of one policy that are looked up together. */
export interface RuleGroup {
  readonly policy: CompiledPolicy;
  readonly rules: readonly CompiledRule[];
}

/** Numbers of the resource types and action names that rules name; 0 stands for every other. */
export interface SymbolTable {
  readonly types: ReadonlyMap<string, number>;
  readonly actions: ReadonlyMap<string, number>;
}

/** An immutable bundle. */
export interface PolicySet {
  /** `sha256:…` over the files, in order. */
  readonly digest: string;
  readonly policies: readonly CompiledPolicy[];
  readonly ruleCount: number;
  readonly symbols: SymbolTable;
  /** Groups that look at no more of the principal than its type and how it proved itself. */
  readonly broad: readonly RuleGroup[];
  /** Groups for which no SPIFFE ID can be named. */
  readonly unpinned: readonly RuleGroup[];
  readonly pinned: PrincipalTrie<RuleGroup>;
  /** Everything that any rule reads, each once. */
  readonly attributes: readonly AttributeRef[];
  /** What of a principal any rule reads: equal here means an equal plan. */
  readonly principalAttributes: readonly AttributeRef[];
}
