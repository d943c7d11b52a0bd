// L-TTL: a credential that lives long is one that a thief can use for long.

import type { LintRule } from './lint-rule.ts';
import { faultIn, rulesOf } from './lint-rule.ts';

const hourS = 3600;
const dayS = 24 * hourS;

export const credentialLifetime: LintRule = {
  id: 'L-TTL',
  level: 'warning above 1 h, error above 24 h',
  finds: '`credential.ttl` is long, or `auto_rotate` is off',
  needs: null,
  *check(policies) {
    for (const placed of rulesOf(policies)) {
      const { credential } = placed.rule;
      if (credential === null) continue;
      const { ttlS, autoRotate, position } = credential;
      if (ttlS !== null && ttlS > hourS) {
        const severity = ttlS > dayS ? 'error' : 'warning';
        const message = `\`ttl\` of ${hours(ttlS)} is longer than ${ttlS > dayS ? '24 h' : '1 h'}`;
        yield faultIn(placed, { severity, message, mend: 'write `ttl: 1h` or less' }, position);
      }
      if (autoRotate === false) {
        const message = 'a credential that is not rotated has to be renewed by hand, and lives long in practice';
        yield faultIn(placed, { severity: 'warning', message, mend: 'write `auto_rotate: true`' }, position);
      }
    }
  },
};

function hours(seconds: number): string {
  return `${Math.round((seconds / hourS) * 10) / 10} h`;
}
