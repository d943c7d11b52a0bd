// Every lint rule, in the order of docs/policy-lint.md.

import { allowAll, defaultAllow } from './allow-all.ts';
import { attestor } from './attestors.ts';
import { credentialLifetime } from './credential-lifetime.ts';
import type { LintRule } from './lint-rule.ts';
import { loaderRules } from './loader-rules.ts';
import { resourceNamespace } from './resource-namespaces.ts';
import { trustDomain } from './trust-domains.ts';

/** The rules; ids are API. */
export const lintRules: readonly LintRule[] = Object.freeze([
  ...loaderRules,
  allowAll,
  defaultAllow,
  trustDomain,
  resourceNamespace,
  credentialLifetime,
  attestor,
]);
