// Settings that are right, and do not what they seem to: told by what the own identity says of this sidecar.

import { existsSync } from 'node:fs';
import type { LoadedConfig } from '../config/load-config.ts';
import { compileAttributeRules } from '../identity/attributes.ts';
import { withRegistry } from '../identity/registry.ts';
import { readRegistry } from '../identity/registry-file.ts';
import type { Finding } from '../lib/finding.ts';
import { ownIdentityOf } from '../runtime/identity-runtime.ts';
import { settingWarnings } from '../runtime/setting-warnings.ts';
import type { CliIo } from './cli-io.ts';
import { readOwnIdentity } from './own-identity.ts';

/**
 * None where the identity cannot be known without a start: an agent would attest this process, and a dev CA is made by the first start.
 * @throws PosternError where the identity or the registry cannot be read
 */
export async function settingFindings({ config, positionOf }: LoadedConfig, io: CliIo): Promise<Finding[]> {
  const { identity, inventory } = config;
  if (identity.source === 'workload-api') return [];
  if (identity.source === 'dev-ca' && !existsSync(identity.devCa.dir)) return [];
  const { snapshot } = await readOwnIdentity(identity, io);
  const attributes = withRegistry(
    compileAttributeRules(identity.attributes),
    await readRegistry(inventory.registryFile),
  );
  const ownEnvironment = ownIdentityOf(snapshot, attributes).environment;
  return settingWarnings(config, { snapshot, ownEnvironment }).map(({ path, ...told }) => {
    return { code: 'ERR_CONFIG_CONFLICT', severity: 'warning', ...told, position: positionOf(path) };
  });
}
