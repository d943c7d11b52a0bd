// L-NEVER: a rule that no request can match, since two of its requirements exclude each other; or one that has ended.

import { matchesGlob } from '../../lib/glob.ts';
import type { Expression } from '../expression.ts';
import type { PolicyDocument, RuleDocument } from '../policy-document.ts';
import { requirementsOf, targetExpression } from '../rule-compiler.ts';
import { boundValues, conjuncts } from '../rule-keys.ts';
import { type Leaf, leavesOf } from './expression-walk.ts';
import type { LintRule } from './lint-rule.ts';
import { faultIn, rulesOf } from './lint-rule.ts';

export const never: LintRule = {
  id: 'L-NEVER',
  level: 'warning',
  finds:
    'a rule that nothing matches: requirements that exclude each other, or those of its policy; an allow that expired',
  needs: null,
  *check(policies, { nowMs }) {
    for (const placed of rulesOf(policies)) {
      const { rule, policy } = placed;
      const path = excludedPath(partsOf(policy, rule));
      if (path !== null) {
        const message = `\`${rule.name}\` never matches: no \`${path}\` meets all that is required of it`;
        yield faultIn(placed, { severity: 'warning', message, mend: 'correct one of the requirements' });
      }
      if (rule.expiresMs === null || rule.expiresMs > nowMs) continue;
      const message =
        rule.effect === 'allow'
          ? `\`${rule.name}\` expired on ${day(rule.expiresMs)} and allows nothing any more`
          : `\`${rule.name}\` expired on ${day(rule.expiresMs)}; a deny goes on all the same`;
      yield faultIn(placed, { severity: 'warning', message, mend: 'take the rule out, or move `expires`' });
    }
  },
};

const noticeMs = 14 * 24 * 3_600_000;

export const expiresSoon: LintRule = {
  id: 'L-EXPIRES',
  level: 'info',
  finds: 'an allow that expires within 14 days',
  needs: null,
  *check(policies, { nowMs }) {
    for (const placed of rulesOf(policies)) {
      const { effect, expiresMs, name } = placed.rule;
      if (effect !== 'allow' || expiresMs === null || expiresMs <= nowMs || expiresMs > nowMs + noticeMs) continue;
      const message = `\`${name}\` allows nothing from ${day(expiresMs)} on`;
      yield faultIn(placed, { severity: 'info', message, mend: 'move `expires` if it is still needed' });
    }
  },
};

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function partsOf(policy: PolicyDocument, rule: RuleDocument): readonly Expression[] {
  const principals = targetExpression(policy.principals, 'principals');
  return [...(principals === null ? [] : conjuncts(principals)), ...requirementsOf(rule)];
}

/** An attribute of which no value meets every part; null where there may be one. */
function excludedPath(parts: readonly Expression[]): string | null {
  const paths = new Set(parts.flatMap((part) => [...leavesOf(part)].flatMap(pathOf)));
  return [...paths].find((path) => isExcluded(path, parts)) ?? null;
}

function pathOf({ expression }: Leaf): readonly string[] {
  return expression.kind === 'compare' ? [expression.left.text] : [];
}

function isExcluded(path: string, parts: readonly Expression[]): boolean {
  const bound = parts.map((part) => boundValues(part, path)).filter((values) => values !== null);
  const [first, ...others] = bound;
  if (first === undefined) return false;
  const globs = parts.flatMap((part) =>
    part.kind === 'compare' && part.left.text === path && part.right.kind === 'glob' ? [part.right.glob] : [],
  );
  return !first.some(
    (value) => others.every((values) => values.includes(value)) && globs.every((glob) => matchesGlob(glob, value)),
  );
}
