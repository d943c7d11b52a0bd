// Opens the identity source that configuration names, and tells what the sidecar knows of itself.

import type { IdentityConfig } from '../config/identity-section.ts';
import type { ReadAttributes } from '../identity/attributes.ts';
import { devCaSourceDefaults, openDevCaSource } from '../identity/dev-ca-source.ts';
import { filesSourceDefaults, openFilesSource } from '../identity/files-source.ts';
import type { IdentityListeners, IdentitySnapshot, IdentitySource } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { openAgentIdentity } from './agent-identity.ts';

/** How long an agent may take that had an identity a moment ago (agent-wait.ts), milliseconds. */
const agentPatienceMs = 10_000;

/** @throws PosternError naming the file and the mend */
export function openIdentity(
  config: IdentityConfig,
  parts: IdentityListeners & { readonly clock: Clock; readonly isProduction: boolean },
): Promise<IdentitySource> {
  const { federation } = config;
  if (config.source === 'workload-api') {
    const { isProduction: _, ...rest } = parts;
    return openAgentIdentity(config, rest, agentPatienceMs);
  }
  if (config.source === 'files') {
    const { isProduction: _, ...rest } = parts;
    return openFilesSource({ ...filesSourceDefaults, ...config.files, federation, ...rest });
  }
  return openDevCaSource({ ...devCaSourceDefaults, ...config.devCa, dnsNames: ['localhost'], federation, ...parts });
}

/** What the own SVID says by the attribute rules. */
export function ownIdentityOf(snapshot: IdentitySnapshot, readAttributes: ReadAttributes): OwnIdentity {
  const { id } = snapshot.svid;
  const { namespace, environment } = readAttributes(id);
  return Object.freeze({
    spiffeId: id.toString(),
    namespace,
    environment,
    service: id.path.slice(id.path.lastIndexOf('/') + 1),
  });
}
