// What operators keep in files of their own, watched apart from the configuration: revocations and the registry.

import type { PosternConfig } from '../config/postern-config.ts';
import { type Registry, registryForm } from '../identity/registry-file.ts';
import { type Revocations, revocationsForm } from '../identity/revocations-source.ts';
import { WatchedFile, watchedFileDefaults } from '../identity/watched-file.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import type { Cleanups } from './cleanups.ts';
import { faultFields } from './fault-fields.ts';

/** @throws PosternError ERR_REVOCATIONS_INVALID, ERR_REGISTRY_INVALID, ERR_IDENTITY_FILE */
export async function openLists(
  config: PosternConfig,
  parts: {
    readonly log: OperationalLog;
    readonly onFault: (error: unknown) => void;
    readonly cleanups: Cleanups;
  },
): Promise<{ readonly revocations: Revocations; readonly registry: Registry }> {
  const { log, onFault, cleanups } = parts;
  const common = { ...watchedFileDefaults, onListenerError: onFault };
  const revocations = await WatchedFile.open(revocationsForm, {
    ...common,
    file: config.policy.revocationsFile,
    onRefused: (error) => log.error('revocations refused, the last good list stays', faultFields(error)),
    onChanged: ({ size }) => log.info('revocations in force', { rows: size }),
  });
  cleanups.add(() => revocations.close());
  const registry = await WatchedFile.open(registryForm, {
    ...common,
    file: config.inventory.registryFile,
    onRefused: (error) => log.error('registry refused, the last good one stays', faultFields(error)),
    onChanged: ({ size }) => log.info('registry in force', { rows: size }),
  });
  cleanups.add(() => registry.close());
  return { revocations, registry };
}
