// What is said of an identity now: drawn from its ID by rules that stay, with the registry over it, which may change.

import type { Latest } from '../lib/latest.ts';
import { LatestValue } from '../lib/latest.ts';
import { type AttributeRule, compileAttributeRules, type ReadAttributes } from './attributes.ts';
import { type IdentityRegistry, withRegistry } from './registry.ts';

/**
 * Follows the registry for as long as it lives. `onListenerError` receives what a subscriber throws.
 * @throws PosternError ERR_IDENTITY_ATTRIBUTES
 */
export function followAttributes(
  rules: readonly AttributeRule[],
  registry: Latest<IdentityRegistry>,
  onListenerError: (error: unknown) => void,
): Latest<ReadAttributes> {
  const drawn = compileAttributeRules(rules);
  const latest = new LatestValue(withRegistry(drawn, registry.current), onListenerError);
  registry.subscribe((next) => latest.publish(withRegistry(drawn, next)));
  return latest;
}
