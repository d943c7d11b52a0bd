// The own identity as a running sidecar would have it, read once.

import { setTimeout as pause } from 'node:timers/promises';
import { bundleFilesOf } from '../config/federation-section.ts';
import type { IdentityConfig } from '../config/identity-section.ts';
import type { PosternError } from '../errors.ts';
import { loadDevCa } from '../identity/dev-ca.ts';
import { devCaSourceDefaults, openDevCaSource } from '../identity/dev-ca-source.ts';
import { filesSourceDefaults, openFilesSource } from '../identity/files-source.ts';
import type { JwtBundles } from '../identity/jwt-bundle.ts';
import { RevocationList } from '../identity/revocation-list.ts';
import type { IdentityListeners, IdentitySnapshot, IdentitySource, IdentityStatus } from '../identity/source.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import type { CliIo } from './cli-io.ts';

/** How long to wait for an agent, milliseconds. */
const agentPatienceMs = 3_000;

export interface OwnIdentity {
  readonly snapshot: IdentitySnapshot;
  readonly status: IdentityStatus;
  readonly jwtBundles: JwtBundles;
  readonly warnings: readonly PosternError[];
}

/** How long to wait for bundle endpoints, milliseconds. */
const endpointPatienceMs = 11_000;

const noRevocations: Latest<RevocationList> = Object.freeze({
  current: RevocationList.empty,
  subscribe: () => () => {},
});

/**
 * Opens the configured source, takes its snapshot and closes it. Bundle endpoints are asked once, where `asked` says so.
 * @throws PosternError as the source does at start
 */
export async function readOwnIdentity(
  identity: IdentityConfig,
  io: CliIo,
  asked: 'endpoints' | 'nobody' = 'nobody',
): Promise<OwnIdentity> {
  const warnings: PosternError[] = [];
  const told = {
    clock: systemClock,
    onRefused: () => {},
    onWarning: (warning: PosternError) => void warnings.push(warning),
    onListenerError: () => {},
  };
  const source = await openJoined(identity, io, { listeners: told, asked });
  const { current: snapshot, status, jwtBundles } = source;
  const own = { snapshot, status, jwtBundles: jwtBundles.current, warnings };
  await source.close();
  return own;
}

/** The JWT authorities of a trust domain, from an agent or a bundle endpoint, waiting a while. @throws PosternError */
export async function readJwtBundles(
  identity: IdentityConfig,
  trustDomain: string,
  io: CliIo,
): Promise<IdentitySource['jwtBundles']> {
  const ignored = { clock: systemClock, onRefused: () => {}, onWarning: () => {}, onListenerError: () => {} };
  const source = await openJoined(identity, io, { listeners: ignored, asked: 'endpoints' });
  try {
    const { jwtBundles } = source;
    const deadlineMs = systemClock.monotonicMs() + agentPatienceMs;
    while (!jwtBundles.current.has(trustDomain) && systemClock.monotonicMs() < deadlineMs) await pause(50);
    return jwtBundles;
  } finally {
    await source.close();
  }
}

/** The source with what is federated; its endpoints are asked once, where `asked` says so. */
async function openJoined(
  identity: IdentityConfig,
  io: CliIo,
  {
    listeners,
    asked,
  }: { readonly listeners: IdentityListeners & { readonly clock: Clock }; readonly asked: 'endpoints' | 'nobody' },
): Promise<IdentitySource> {
  const base = await openBase(identity, io, listeners);
  const withoutEndpoints = identity.federation.map((entry) => ({ ...entry, endpoint: null }));
  const config = asked === 'endpoints' ? identity : { ...identity, federation: withoutEndpoints };
  const { joinIdentity } = await import('../runtime/identity-runtime.ts');
  const joined = await joinIdentity(base, config, { ...listeners, revocations: noRevocations });
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, endpointPatienceMs);
  await Promise.race([joined?.attempted, patience.promise]);
  clearTimeout(timer);
  return joined ?? base;
}

async function openBase(
  identity: IdentityConfig,
  io: CliIo,
  listeners: IdentityListeners & { readonly clock: Clock },
): Promise<IdentitySource> {
  const told = { ...listeners, federation: bundleFilesOf(identity.federation) };
  if (identity.source === 'workload-api') {
    const { openAgentIdentity } = await import('../runtime/agent-identity.ts');
    return openAgentIdentity(identity, listeners, agentPatienceMs);
  }
  if (identity.source === 'files') return openFilesSource({ ...filesSourceDefaults, ...identity.files, ...told });
  const isProduction = io.env['NODE_ENV'] === 'production';
  const { dir, spiffeId } = identity.devCa;
  // To show must not make a CA.
  await loadDevCa({ dir, trustDomain: SpiffeId.parse(spiffeId).trustDomain.name, isProduction });
  return openDevCaSource({ ...devCaSourceDefaults, ...identity.devCa, ...told, dnsNames: [], isProduction });
}
