// What configuration and registry say of an identity: the attributes that policy would see.

import type { PosternConfig } from '../config/postern-config.ts';
import { compileAttributeRules } from '../identity/attributes.ts';
import { type AttributesView, describeAttributes } from '../identity/identity-view.ts';
import { IdentityRegistry, withRegistry } from '../identity/registry.ts';
import { readRegistry } from '../identity/registry-file.ts';
import { SpiffeId, spiffeIdFault } from '../identity/spiffe-id.ts';

/** What is known of one identity. */
export interface IdentityKnowledge {
  readonly attributes: AttributesView;
  /** The pattern of the row that speaks of it; null: no row does. */
  readonly registry_row: string | null;
}

/** Answers for an ID as a certificate shows it; null for what is no SPIFFE ID. */
export type KnowsOf = (spiffeId: string | null) => IdentityKnowledge | null;

/** By a configuration, or by what Postern knows without one. @throws PosternError where its registry cannot be read */
export async function readKnowledge(config: PosternConfig | null): Promise<KnowsOf> {
  const registry = config === null ? IdentityRegistry.empty : await readRegistry(config.inventory.registryFile);
  const read = withRegistry(compileAttributeRules(config?.identity.attributes ?? []), registry);
  return (text) => {
    if (text === null || spiffeIdFault(text) !== null) return null;
    const id = SpiffeId.parse(text);
    return { attributes: describeAttributes(read(id)), registry_row: registry.find(id)?.glob.pattern ?? null };
  };
}
