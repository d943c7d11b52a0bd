// Opens the identity source that configuration names, and tells what the sidecar knows of itself.

import { bundleFilesOf, endpointsOf } from '../config/federation-section.ts';
import type { IdentityConfig } from '../config/identity-section.ts';
import type { JoinedSource } from '../federation/joined-source.ts';
import type { ReadAttributes } from '../identity/attributes.ts';
import { devCaSourceDefaults, openDevCaSource } from '../identity/dev-ca-source.ts';
import { filesSourceDefaults, openFilesSource } from '../identity/files-source.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentityListeners, IdentitySnapshot, IdentitySource } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { openAgentIdentity } from './agent-identity.ts';

/** How long an agent may take that had an identity a moment ago (agent-wait.ts), milliseconds. */
const agentPatienceMs = 10_000;

/** What an identity needs besides its configuration. */
export interface IdentityParts extends IdentityListeners {
  readonly clock: Clock;
  readonly isProduction: boolean;
  readonly revocations: Latest<RevocationList>;
}

/** @throws PosternError naming the file and the mend */
export async function openIdentity(config: IdentityConfig, all: IdentityParts): Promise<IdentitySource> {
  const { revocations, ...parts } = all;
  const base = await openBase(config, parts);
  return (await joinIdentity(base, config, { ...parts, revocations })) ?? base;
}

/**
 * The source with what configuration adds to it; null where it adds nothing. Its parts are loaded only here.
 * @throws PosternError; then `base` is closed
 */
export async function joinIdentity(
  base: IdentitySource,
  config: IdentityConfig,
  parts: Omit<IdentityParts, 'isProduction'>,
): Promise<JoinedSource | null> {
  const endpoints = endpointsOf(config.federation);
  const { files: crlFiles, expired: expiredCrl } = config.crl;
  // An agent may send revocation lists at any time.
  if (endpoints.length === 0 && crlFiles.length === 0 && config.source !== 'workload-api') return null;
  const { openJoinedSource } = await import('../federation/joined-source.ts');
  const { pollDefaults } = await import('../federation/endpoint-poll.ts');
  const { clock, revocations, onRefused, onWarning, onListenerError } = parts;
  const told = { clock, revocations, onRefused, onWarning, onListenerError };
  return openJoinedSource(base, {
    ...told,
    endpoints,
    crlFiles,
    expiredCrl,
    timings: pollDefaults,
    random: Math.random,
  });
}

function openBase(config: IdentityConfig, parts: Omit<IdentityParts, 'revocations'>): Promise<IdentitySource> {
  const federation = bundleFilesOf(config.federation);
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
