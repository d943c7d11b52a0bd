// Every lint rule, in the order of docs/policy-lint.md.

import { absentAttribute } from './absent-attributes.ts';
import { allowAll, defaultAllow } from './allow-all.ts';
import { attestor } from './attestors.ts';
import { callerExists, callerHeader, prefix } from './caller-claims.ts';
import { credentialLifetime } from './credential-lifetime.ts';
import { indeterminateDeny } from './deny-unknowns.ts';
import { shallowDeny, wideGlob } from './globs.ts';
import { expiresSoon, never } from './impossible.ts';
import type { LintRule } from './lint-rule.ts';
import { loaderRules } from './loader-rules.ts';
import { resourceNamespace } from './resource-namespaces.ts';
import { duplicate, override, shadowed } from './rule-pairs.ts';
import { trustDomain } from './trust-domains.ts';
import { unicode } from './unicode.ts';

/** The rules; ids are API. */
export const lintRules: readonly LintRule[] = Object.freeze([
  ...loaderRules,
  allowAll,
  defaultAllow,
  trustDomain,
  resourceNamespace,
  credentialLifetime,
  attestor,
  absentAttribute,
  never,
  duplicate,
  shadowed,
  override,
  wideGlob,
  shallowDeny,
  indeterminateDeny,
  callerHeader,
  callerExists,
  prefix,
  expiresSoon,
  unicode,
]);
