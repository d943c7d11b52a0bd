// L-HEADER and L-EXISTS-CALLER: an allow that rests on what the caller says of itself; L-PREFIX: text compared by its
// beginning where segments are meant.

import type { Clause } from '../policy-document.ts';
import type { Leaf } from './expression-walk.ts';
import { leavesOf } from './expression-walk.ts';
import type { LintFault, LintRule } from './lint-rule.ts';
import { clausesOf, faultIn, rulesOf } from './lint-rule.ts';

type Say = (leaf: Leaf) => Pick<LintFault, 'message' | 'mend'> | null;

/** A rule about single leaves of the clauses of rules; `effect` null: of any. */
function leafRule(head: Pick<LintRule, 'id' | 'finds'>, effect: 'allow' | null, say: Say): LintRule {
  return {
    ...head,
    level: 'warning',
    needs: null,
    *check(policies) {
      for (const placed of rulesOf(policies)) {
        if (effect !== null && placed.rule.effect !== effect) continue;
        for (const clause of clausesOf(placed.rule)) {
          for (const said of sayings(clause, say))
            yield faultIn(placed, { severity: 'warning', ...said }, clause.position);
        }
      }
    },
  };
}

function sayings({ expression }: Clause, say: Say) {
  return [...leavesOf(expression)].map(say).filter((said) => said !== null);
}

export const callerHeader = leafRule(
  { id: 'L-HEADER', finds: 'an allow that rests on a request header or query parameter, which any caller may set' },
  'allow',
  ({ expression: leaf }) => {
    if (leaf.kind !== 'compare' || !/^request\.http\.(headers|query)\[/.test(leaf.left.text)) return null;
    const message = `\`${leaf.left.text}\` is what the caller says`;
    return { message, mend: 'rest the allow on `principal`, and use headers only to narrow it' };
  },
);

export const callerExists = leafRule(
  { id: 'L-EXISTS-CALLER', finds: 'an allow that asks whether something exists that the caller may send or leave out' },
  'allow',
  ({ expression: leaf }) => {
    if (leaf.kind !== 'exists' || leaf.attribute.spec.provenance !== 'caller') return null;
    const message = `the caller decides whether \`${leaf.attribute.text}\` exists`;
    return { message, mend: 'compare its value, or rest the allow on something verified' };
  },
);

const segmented: ReadonlySet<string> = new Set(['path', 'spiffe_id', 'dns']);

export const prefix = leafRule(
  { id: 'L-PREFIX', finds: '`startsWith` or `endsWith` on a path, a SPIFFE ID or a host, which cuts through segments' },
  null,
  ({ expression: leaf }) => {
    if (leaf.kind !== 'compare' || !['startsWith', 'endsWith'].includes(leaf.operator)) return null;
    if (!segmented.has(leaf.left.spec.type)) return null;
    const message = `\`${leaf.operator}\` on \`${leaf.left.text}\` does not stop at segments: \`/admin\` begins \`/administrator\` too`;
    return { message, mend: 'write `matches` with `*` or `**` for whole segments' };
  },
);
