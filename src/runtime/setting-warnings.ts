// Settings that work, but not as somebody might believe.

import type { PosternConfig } from '../config/postern-config.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';

export function warnOfSettings(config: PosternConfig, ownEnvironment: string | undefined, log: OperationalLog): void {
  if (config.policy.environmentBoundary !== 'off' && ownEnvironment === undefined) {
    log.warn('the environment boundary has no effect', {
      mend: 'draw `environment` from the own SPIFFE ID by `identity.attributes`, or set `environment_boundary: off`',
    });
  }
  for (const { name, plaintext } of config.inbound) {
    if (plaintext === 'permit') log.warn('a listener lets connections without TLS in', { listener: name });
  }
  for (const listener of [...config.inbound, ...config.outbound]) {
    if (listener.mode === 'shadow') log.warn('a listener lets denied requests pass', { listener: listener.name });
  }
}
