// L-UNICODE: names and literals that look like something else: invisible or direction characters, letters of two alphabets
// in one word.

import type { PolicyDocument, RuleDocument } from '../policy-document.ts';
import type { LintFault, LintRule } from './lint-rule.ts';
import { clausesOf } from './lint-rule.ts';

const invisible = /[\p{Bidi_Control}\u00ad\u200b-\u200d\u2060\ufeff]/u;
const lookalikes = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];

export const unicode: LintRule = {
  id: 'L-UNICODE',
  level: 'warning',
  finds: 'invisible or direction characters, or letters of two alphabets in one word, in a name or a condition',
  needs: null,
  *check(policies) {
    for (const policy of policies) {
      yield* faultsOf(policy.name, { policy, rule: null, position: policy.position });
      for (const rule of policy.rules) {
        yield* faultsOf(rule.name, { policy, rule, position: rule.position });
        for (const action of rule.actions ?? []) yield* faultsOf(action, { policy, rule, position: rule.position });
        for (const { text, position } of clausesOf(rule)) yield* faultsOf(text, { policy, rule, position });
      }
      for (const { text, position } of policy.principals?.alternatives.flat() ?? [])
        yield* faultsOf(text, { policy, rule: null, position });
    }
  },
};

interface TextPlace extends Pick<LintFault, 'position'> {
  readonly policy: PolicyDocument;
  readonly rule: RuleDocument | null;
}

function* faultsOf(text: string, place: TextPlace): Generator<LintFault, void, void> {
  const fault = invisible.test(text) ? 'an invisible or direction character' : mixedWord(text);
  if (fault === null) return;
  const { policy, rule, position } = place;
  const message = `the text holds ${fault}, so it is not what it looks like`;
  const mend = 'type it again in one alphabet';
  yield { severity: 'warning', message, mend, position, policy: policy.name, rule: rule?.name ?? null };
}

function mixedWord(text: string): string | null {
  const words = text.match(/\p{L}+/gu) ?? [];
  const mixed = words.find((word) => lookalikes.filter((script) => script.test(word)).length > 1);
  return mixed === undefined ? null : `\`${mixed}\`, letters of two alphabets`;
}
