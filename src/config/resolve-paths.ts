// Makes every file name of a parsed configuration absolute: relative ones start from the folder of the configuration.

import { dirname, resolve } from 'node:path';
import type { ParsedConfig } from './config-schema.ts';
import type { IdentityConfig } from './identity-section.ts';
import type { PosternConfig } from './postern-config.ts';

/** The final configuration of a file that passed the schema. `file` is absolute. */
export function resolvePaths(parsed: ParsedConfig, file: string, secrets: readonly string[]): PosternConfig {
  const { audit, inbound, admin, shutdown, workers } = parsed;
  const absolute = (path: string) => resolve(dirname(file), path);
  const paths = parsed.policy.paths.map(absolute);
  const shadowPaths = parsed.policy.shadowPaths.map(absolute);
  const revoked = parsed.policy.revocationsFile;
  const revocationsFile = revoked === null ? null : absolute(revoked);
  return deepFreeze({
    file,
    identity: resolveIdentity(parsed.identity, absolute),
    inbound,
    policy: { ...parsed.policy, paths, shadowPaths, revocationsFile },
    audit: { ...audit, dir: audit.dir === null ? null : absolute(audit.dir) },
    admin,
    shutdown,
    workers,
    secrets: new Set(secrets),
    watchedPaths: [...new Set([file, ...paths, ...shadowPaths])],
  });
}

function resolveIdentity(identity: IdentityConfig, absolute: (path: string) => string): IdentityConfig {
  const federation = identity.federation.map((entry) => ({ ...entry, bundleFile: absolute(entry.bundleFile) }));
  if (identity.source === 'dev-ca') {
    return { ...identity, federation, devCa: { ...identity.devCa, dir: absolute(identity.devCa.dir) } };
  }
  const { certFile, keyFile, bundleFile } = identity.files;
  const files = { certFile: absolute(certFile), keyFile: absolute(keyFile), bundleFile: absolute(bundleFile) };
  return { ...identity, federation, files };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
