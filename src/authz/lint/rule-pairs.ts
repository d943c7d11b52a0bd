// Rules of one policy beside each other: L-DUP the same twice, L-SHADOWED one that can never decide, L-OVERRIDE an allow that
// outranks a deny. The first two are told only where the text proves them.

import type { Expression } from '../expression.ts';
import type { PolicyDocument, RuleDocument } from '../policy-document.ts';
import { requirementsOf } from '../rule-compiler.ts';
import { boundValues } from '../rule-keys.ts';
import type { LintFault, LintRule } from './lint-rule.ts';
import { faultIn, rulesOf } from './lint-rule.ts';

/** Every pair is looked at, so a policy with more rules than this is left alone. */
const maxRulesOfPolicy = 200;

/** A rule with what it requires, in a form that can be compared. */
interface Shape {
  readonly rule: RuleDocument;
  readonly parts: readonly Expression[];
  readonly keys: ReadonlySet<string>;
}

function shapesOf(policy: PolicyDocument): readonly Shape[] {
  if (policy.rules.length > maxRulesOfPolicy) return [];
  return [...rulesOf([policy])].map(({ rule }) => {
    const parts = requirementsOf(rule);
    return { rule, parts, keys: new Set(parts.map(keyOf)) };
  });
}

/** Equal keys mean the same requirement. */
function keyOf(expression: Expression): string {
  if (expression.kind === 'not') return `not(${keyOf(expression.item)})`;
  if (expression.kind === 'all' || expression.kind === 'any')
    return `${expression.kind}(${expression.items.map(keyOf).join('\n')})`;
  return `${expression.kind} ${expression.text}`;
}

type Say = (
  earlier: Shape,
  later: Shape,
) => { readonly about: RuleDocument; readonly message: string; readonly mend: string } | null;

function pairRule(head: Pick<LintRule, 'id' | 'finds'>, say: Say): LintRule {
  return {
    ...head,
    level: 'warning',
    needs: null,
    *check(policies) {
      for (const policy of policies) yield* pairFaults(policy, say);
    },
  };
}

function* pairFaults(policy: PolicyDocument, say: Say): Generator<LintFault, void, void> {
  const shapes = shapesOf(policy);
  for (const [at, later] of shapes.entries()) {
    for (const earlier of shapes.slice(0, at)) {
      const said = say(earlier, later);
      if (said === null) continue;
      const { about, message, mend } = said;
      yield faultIn({ policy, rule: about }, { severity: 'warning', message, mend });
    }
  }
}

/** True if every request that matches `narrow` matches `wide`. */
function covers(wide: Shape, narrow: Shape): boolean {
  const [actions, asked] = [wide.rule.actions, narrow.rule.actions];
  const hasActions = actions === null || (asked?.every((action) => actions.includes(action)) ?? false);
  return hasActions && [...wide.keys].every((key) => narrow.keys.has(key));
}

function isEqual(a: Shape, b: Shape): boolean {
  const isSame = a.rule.effect === b.rule.effect && a.rule.priority === b.rule.priority && a.rule.mode === b.rule.mode;
  const hasSameCredential = a.rule.credential?.ttlS === b.rule.credential?.ttlS;
  return isSame && hasSameCredential && covers(a, b) && covers(b, a);
}

export const duplicate = pairRule(
  { id: 'L-DUP', finds: 'two rules of a policy that say the same' },
  (earlier, later) =>
    isEqual(earlier, later)
      ? {
          about: later.rule,
          message: `\`${later.rule.name}\` says the same as \`${earlier.rule.name}\``,
          mend: 'take one of the two out',
        }
      : null,
);

export const shadowed = pairRule(
  {
    id: 'L-SHADOWED',
    finds: 'an allow that never decides, since a deny of no lower priority matches whenever it does',
  },
  (earlier, later) => {
    const [allow, deny] = earlier.rule.effect === 'allow' ? [earlier, later] : [later, earlier];
    if (allow.rule.effect !== 'allow' || deny.rule.effect !== 'deny' || deny.rule.mode !== 'enforce') return null;
    if (deny.rule.priority < allow.rule.priority || !covers(deny, allow)) return null;
    const message = `\`${allow.rule.name}\` never allows: \`${deny.rule.name}\` denies whatever it matches`;
    return { about: allow.rule, message, mend: 'narrow the deny, or take the allow out' };
  },
);

export const override = pairRule(
  { id: 'L-OVERRIDE', finds: 'an allow that outranks a deny of the same policy which it may overlap' },
  (earlier, later) => {
    const [allow, deny] = earlier.rule.effect === 'allow' ? [earlier, later] : [later, earlier];
    if (allow.rule.effect !== 'allow' || deny.rule.effect !== 'deny') return null;
    if (allow.rule.priority <= deny.rule.priority || areDisjoint(allow, deny)) return null;
    const message = `\`${allow.rule.name}\` (priority ${allow.rule.priority}) undoes \`${deny.rule.name}\` (priority ${deny.rule.priority}) where both match`;
    return { about: allow.rule, message, mend: 'lower its priority, or waive this if it is meant to break the glass' };
  },
);

const boundPaths = [
  'resource.type',
  'resource.name',
  'resource.topic',
  'principal.type',
  'principal.namespace',
  'principal.spiffe_id',
];

/** True if nothing matches both: no action in common, or an attribute bound to different values. */
function areDisjoint(a: Shape, b: Shape): boolean {
  const [left, right] = [a.rule.actions, b.rule.actions];
  // A name with a colon is another name of some `read`, `write` or `call`.
  const areWords = [...(left ?? []), ...(right ?? [])].every((action) => !action.includes(':'));
  if (left !== null && right !== null && areWords && !left.some((action) => right.includes(action))) return true;
  return boundPaths.some((path) => {
    const values = [valuesOf(a, path), valuesOf(b, path)];
    return values[0] != null && values[1] != null && !values[0].some((value) => values[1]!.includes(value));
  });
}

function valuesOf({ parts }: Shape, path: string): readonly string[] | null {
  for (const part of parts) {
    const values = boundValues(part, path);
    if (values !== null) return values;
  }
  return null;
}
