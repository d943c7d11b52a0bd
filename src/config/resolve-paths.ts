// Makes every file name of a parsed configuration absolute: relative ones start from the folder of the configuration.

import { dirname, resolve } from 'node:path';
import type { SinkOptions } from '../audit/sinks/sink-options.ts';
import type { BundleEndpoint, BundleServerOptions } from '../federation/federation-options.ts';
import type { KeyPlace } from '../identity/tokens/token-issuer.ts';
import { agentSocket } from './agent-socket.ts';
import type { ParsedConfig } from './config-schema.ts';
import type { Environment } from './config-source.ts';
import type { IdentityConfig } from './identity-section.ts';
import type { PosternConfig } from './postern-config.ts';

/** What the final configuration depends on besides its text. `file` is absolute. */
export interface FinalPlace {
  readonly file: string;
  readonly env: Environment;
  /** Values that came out of variables. */
  readonly secrets: readonly string[];
}

/** The final configuration of a file that passed the schema. */
export function resolvePaths(parsed: ParsedConfig, { file, env, secrets }: FinalPlace): PosternConfig {
  const { audit, inbound, outbound, admin, shutdown, workers } = parsed;
  const absolute = (path: string) => resolve(dirname(file), path);
  const paths = parsed.policy.paths.map(absolute);
  const shadowPaths = parsed.policy.shadowPaths.map(absolute);
  const revoked = parsed.policy.revocationsFile;
  const revocationsFile = revoked === null ? null : absolute(revoked);
  const { registryFile } = parsed.inventory;
  return deepFreeze({
    file,
    identity: resolveIdentity(parsed.identity, absolute, env),
    inbound,
    outbound,
    policy: { ...parsed.policy, paths, shadowPaths, revocationsFile },
    audit: {
      ...audit,
      dir: audit.dir === null ? null : absolute(audit.dir),
      sinks: audit.sinks.map((sink) => absoluteSink(sink, absolute)),
    },
    inventory: { registryFile: registryFile === null ? null : absolute(registryFile) },
    admin,
    shutdown,
    workers,
    secrets: new Set(secrets),
    watchedPaths: [...new Set([file, ...paths, ...shadowPaths])],
  });
}

function resolveIdentity(
  identity: IdentityConfig,
  absolute: (path: string) => string,
  env: Environment,
): IdentityConfig {
  const shared = resolveTrust(identity, absolute);
  if (identity.source === 'dev-ca') {
    return { ...identity, ...shared, devCa: { ...identity.devCa, dir: absolute(identity.devCa.dir) } };
  }
  if (identity.source === 'workload-api') {
    const { workloadApi } = identity;
    return { ...identity, ...shared, workloadApi: { ...workloadApi, socket: agentSocket(workloadApi.socket, env) } };
  }
  const { certFile, keyFile, bundleFile } = identity.files;
  const files = { certFile: absolute(certFile), keyFile: absolute(keyFile), bundleFile: absolute(bundleFile) };
  return { ...identity, ...shared, files };
}

/** What every source has: further trust domains, the own endpoint, revocation lists, issuers of tokens. */
function resolveTrust(
  { federation, bundleEndpoint, crl, tokens }: IdentityConfig,
  absolute: (path: string) => string,
): Pick<IdentityConfig, 'federation' | 'bundleEndpoint' | 'crl' | 'tokens'> {
  const orNull = (path: string | null) => (path === null ? null : absolute(path));
  return {
    federation: federation.map(({ trustDomain, bundleFile, endpoint }) => ({
      trustDomain,
      bundleFile: orNull(bundleFile),
      endpoint: endpoint === null ? null : resolveEndpoint(endpoint, orNull),
    })),
    bundleEndpoint: bundleEndpoint === null ? null : resolveServer(bundleEndpoint, absolute),
    crl: { ...crl, files: crl.files.map(absolute) },
    tokens: tokens.map((row) => ({ ...row, keys: absoluteKeys(row.keys, absolute) })),
  };
}

function resolveEndpoint(endpoint: BundleEndpoint, orNull: (path: string | null) => string | null): BundleEndpoint {
  const { profile } = endpoint;
  if (profile.kind === 'https_spiffe') return endpoint;
  return { ...endpoint, profile: { ...profile, caFile: orNull(profile.caFile) } };
}

function resolveServer(options: BundleServerOptions, absolute: (path: string) => string): BundleServerOptions {
  const { profile } = options;
  if (profile.kind === 'https_spiffe') return options;
  const files = { certFile: absolute(profile.certFile), keyFile: absolute(profile.keyFile) };
  return { ...options, profile: { ...profile, ...files } };
}

function absoluteKeys(keys: KeyPlace, absolute: (path: string) => string): KeyPlace {
  if (keys.kind === 'bundles') return keys;
  if (keys.kind === 'file') return { ...keys, file: absolute(keys.file) };
  const file = (path: string | null): string | null => (path === null ? null : absolute(path));
  return { ...keys, caFile: file(keys.caFile), bearerFile: file(keys.bearerFile) };
}

function absoluteSink(sink: SinkOptions, absolute: (path: string) => string): SinkOptions {
  if (sink.type === 'file') return { ...sink, path: absolute(sink.path) };
  return { ...sink, caFile: sink.caFile === null ? null : absolute(sink.caFile) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
