// Serves the own bundle to other trust domains, where configuration asks for it; its parts are loaded only then.

import type { IdentityConfig } from '../config/identity-section.ts';
import type { BundleServer } from '../federation/bundle-server.ts';
import { formatAddress } from '../lib/socket-address.ts';
import { faultFields } from './fault-fields.ts';
import type { SidecarParts } from './sidecar-parts.ts';

/** Null where none is configured. @throws PosternError ERR_LISTEN, or for a web certificate that cannot be used */
export async function openBundleEndpoint(
  { bundleEndpoint }: IdentityConfig,
  { identity, clock, log, environment }: SidecarParts,
): Promise<BundleServer | null> {
  if (bundleEndpoint === null) return null;
  const { openBundleServer } = await import('../federation/bundle-server.ts');
  const server = await openBundleServer(bundleEndpoint, {
    identity,
    clock,
    reusePort: environment.worker !== undefined,
    onRefused: (error) =>
      log.error('certificate of the bundle endpoint refused, the last good one stays', faultFields(error)),
    onError: (error) => log.sampled('bundle endpoint', 1).error('fault', faultFields(error)),
  });
  log.info('bundle endpoint', { address: formatAddress(server.address), profile: bundleEndpoint.profile.kind });
  return server;
}
