// The own identity as a running sidecar would have it, read once.

import type { IdentityConfig } from '../config/identity-section.ts';
import type { PosternError } from '../errors.ts';
import { loadDevCa } from '../identity/dev-ca.ts';
import { devCaSourceDefaults, openDevCaSource, renewalMs } from '../identity/dev-ca-source.ts';
import { filesSourceDefaults, openFilesSource } from '../identity/files-source.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { systemClock } from '../lib/clock.ts';
import type { CliIo } from './cli-io.ts';

export interface OwnIdentity {
  readonly snapshot: IdentitySnapshot;
  /** Null where whoever writes the files decides. */
  readonly nextRotationMs: number | null;
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
  if (identity.source === 'files') {
    const source = await openFilesSource({ ...filesSourceDefaults, ...identity.files, ...told });
    await source.close();
    return { snapshot: source.current, nextRotationMs: null, warnings };
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
  await source.close();
  return { snapshot: source.current, nextRotationMs: renewalMs(source.current), warnings };
}
