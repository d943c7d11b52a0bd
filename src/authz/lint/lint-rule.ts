// What a lint rule is: a check of loaded policies that refuses nothing by itself. One rule, or a small family, a file.

import type { SourcePosition } from '../../lib/source-position.ts';
import type { Clause, PolicyDocument, RuleDocument } from '../policy-document.ts';

/** A resource that the sidecar stands before, as far as configuration fixes it; absent is unknown or missing. */
export interface CatalogueResource {
  /** As messages name it: the listener, or its route. */
  readonly place: string;
  readonly type: string;
  readonly name: string | undefined;
  readonly topic: string | undefined;
  /** After the sidecar filled in its own. */
  readonly namespace: string | undefined;
  readonly environment: string | undefined;
  /** Attributes made from each request, such as a name taken from the path. */
  readonly perRequest: readonly string[];
}

/** What is known of where the policies will run; null: nothing, and what needs it is not looked at. */
export interface LintContext {
  readonly isProduction: boolean;
  readonly trustDomains: ReadonlySet<string> | null;
  readonly resources: readonly CatalogueResource[] | null;
  /** What configuration and registry give to any principal: `environment`, `labels.team`. */
  readonly givenAttributes: ReadonlySet<string> | null;
  readonly nowMs: number;
}

/** One thing found; the rule's id is added by the runner. */
export interface LintFault {
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly mend: string;
  readonly position: SourcePosition;
  readonly policy: string;
  readonly rule: string | null;
}

export interface LintRule {
  readonly id: string;
  /** For people: `error`, `warning (error in production)`. */
  readonly level: string;
  /** What it finds, one sentence without a full stop. */
  readonly finds: string;
  /** Part of the context without which it is not run. */
  readonly needs: 'trustDomains' | 'resources' | 'givenAttributes' | null;
  /** Null for what the loader itself finds: it refuses the bundle and cannot be waived. */
  readonly check: ((policies: readonly PolicyDocument[], context: LintContext) => Iterable<LintFault>) | null;
}

/** A rule with the policy it stands in. */
export interface PlacedRule {
  readonly policy: PolicyDocument;
  readonly rule: RuleDocument;
}

/** Every rule that is not disabled. */
export function* rulesOf(policies: readonly PolicyDocument[]): Generator<PlacedRule, void, void> {
  for (const policy of policies) {
    for (const rule of policy.rules) if (rule.mode !== 'disabled') yield { policy, rule };
  }
}

/** Everything the rule says, but for its actions. */
export function clausesOf(rule: RuleDocument): readonly Clause[] {
  const targets = [...(rule.principals?.alternatives ?? []), ...(rule.resources?.alternatives ?? [])];
  return [...targets.flat(), ...rule.conditions];
}

/** A fault at a place of a rule. */
export function faultIn(
  { policy, rule }: PlacedRule,
  fault: Pick<LintFault, 'severity' | 'message' | 'mend'>,
  position: SourcePosition = rule.position,
): LintFault {
  return { ...fault, position, policy: policy.name, rule: rule.name };
}
