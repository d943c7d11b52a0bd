// The own identity as a running sidecar would have it, read once.

import type { IdentityConfig } from '../config/identity-section.ts';
import type { PosternError } from '../errors.ts';
import { loadDevCa } from '../identity/dev-ca.ts';
import { devCaSourceDefaults, openDevCaSource } from '../identity/dev-ca-source.ts';
import { filesSourceDefaults, openFilesSource } from '../identity/files-source.ts';
import type { IdentitySnapshot, IdentitySource, IdentityStatus } from '../identity/source.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { systemClock } from '../lib/clock.ts';
import type { CliIo } from './cli-io.ts';

/** How long to wait for an agent, milliseconds. */
const agentPatienceMs = 3_000;

export interface OwnIdentity {
  readonly snapshot: IdentitySnapshot;
  readonly status: IdentityStatus;
  readonly warnings: readonly PosternError[];
}

/** Opens the configured source, takes its snapshot and closes it. @throws PosternError as the source does at start */
export async function readOwnIdentity(identity: IdentityConfig, io: CliIo): Promise<OwnIdentity> {
  const warnings: PosternError[] = [];
  const told = {
    clock: systemClock,
    federation: identity.federation,
    onRefused: () => {},
    onWarning: (warning: PosternError) => void warnings.push(warning),
    onListenerError: () => {},
  };
  if (identity.source === 'workload-api') {
    const { openAgentIdentity } = await import('../runtime/agent-identity.ts');
    return ownOf(await openAgentIdentity(identity, told, agentPatienceMs), warnings);
  }
  if (identity.source === 'files') {
    return ownOf(await openFilesSource({ ...filesSourceDefaults, ...identity.files, ...told }), warnings);
  }
  const isProduction = io.env['NODE_ENV'] === 'production';
  const { dir, spiffeId } = identity.devCa;
  // To show must not make a CA.
  await loadDevCa({ dir, trustDomain: SpiffeId.parse(spiffeId).trustDomain.name, isProduction });
  const source = await openDevCaSource({
    ...devCaSourceDefaults,
    ...identity.devCa,
    ...told,
    dnsNames: [],
    isProduction,
  });
  return ownOf(source, warnings);
}

async function ownOf(source: IdentitySource, warnings: readonly PosternError[]): Promise<OwnIdentity> {
  const { current: snapshot, status } = source;
  await source.close();
  return { snapshot, status, warnings };
}
