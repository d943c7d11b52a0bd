// Opens the identity source that configuration names, and tells what the sidecar knows of itself.

import type { IdentityConfig } from '../config/identity-section.ts';
import type { PosternError } from '../errors.ts';
import type { ReadAttributes } from '../identity/attributes.ts';
import { devCaSourceDefaults, openDevCaSource } from '../identity/dev-ca-source.ts';
import { filesSourceDefaults, openFilesSource } from '../identity/files-source.ts';
import type { IdentitySnapshot, IdentitySource } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';

/** Who is told what the source cannot use. */
export interface IdentityListeners {
  readonly onRefused: (error: PosternError) => void;
  readonly onWarning: (error: PosternError) => void;
  readonly onListenerError: (error: unknown) => void;
}

/** @throws PosternError naming the file and the mend */
export function openIdentity(
  config: IdentityConfig,
  parts: IdentityListeners & { readonly clock: Clock; readonly isProduction: boolean },
): Promise<IdentitySource> {
  const { federation } = config;
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
