// What a configuration tells the linter of policies, with the own identity where it can be read.

import { bareLintContext } from '../authz/lint/lint.ts';
import type { LintContext } from '../authz/lint/lint-rule.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { isPosternError, type PosternError } from '../errors.ts';
import { givenAttributes } from '../identity/given-attributes.ts';
import { readRegistry } from '../identity/registry-file.ts';
import { systemClock } from '../lib/clock.ts';
import { lintContextFor } from '../runtime/lint-context.ts';
import type { CliIo } from './cli-io.ts';
import { readOwnIdentity } from './own-identity.ts';

/** The context, and why a part of it is missing. */
export interface LintSurroundings {
  readonly context: LintContext;
  /** Null where the identity was read. */
  readonly fault: PosternError | null;
}

/**
 * Never makes anything; without an identity, trust domains and resources stay unknown.
 * @throws PosternError ERR_REGISTRY_INVALID, ERR_IDENTITY_FILE where the registry cannot be read
 */
export async function lintSurroundings(config: PosternConfig, io: CliIo): Promise<LintSurroundings> {
  const nowMs = systemClock.nowMs();
  const registry = await readRegistry(config.inventory.registryFile);
  const bare = { ...bareLintContext(nowMs), givenAttributes: givenAttributes(config.identity, registry) };
  // An agent would attest this process, not the sidecar; and a check in CI has none.
  if (config.identity.source === 'workload-api') return { context: bare, fault: null };
  try {
    const { snapshot } = await readOwnIdentity(config.identity, io);
    return { context: lintContextFor(config, { snapshot, registry }, nowMs), fault: null };
  } catch (fault) {
    if (!isPosternError(fault)) throw fault;
    return { context: bare, fault };
  }
}
