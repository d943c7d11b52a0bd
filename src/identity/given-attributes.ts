// Which attributes anybody can have at all: what the linter asks of a policy that reads others.

import { type AttributeRule, attributeNamesOf, targetOf } from './attributes.ts';
import type { IdentityRegistry } from './registry.ts';
import type { TokenIssuerOptions } from './tokens/token-issuer.ts';

/** Rows of the configuration that give attributes. */
export interface AttributeSources {
  readonly attributes: readonly AttributeRule[];
  readonly tokens: readonly Pick<TokenIssuerOptions, 'set'>[];
}

/**
 * Names that some row of the configuration or of the registry gives: `environment`, `labels.team`. `namespace` and
 * `service_account` are always among them: they are read from the path where nothing else is said.
 */
export function givenAttributes(
  { attributes, tokens }: AttributeSources,
  registry: IdentityRegistry,
): ReadonlySet<string> {
  const ofTokens = tokens.flatMap(({ set }) => Object.keys(set));
  const given = new Set([
    'namespace',
    'service_account',
    ...attributes.flatMap(attributeNamesOf),
    ...ofTokens.map(targetOf),
  ]);
  for (const { environment, attestation, labels } of registry.entries) {
    if (environment !== undefined) given.add('environment');
    if (attestation !== undefined) given.add('attestation');
    for (const name of labels.keys()) given.add(`labels.${name}`);
  }
  return given;
}
