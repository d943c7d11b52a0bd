// The conditions of being ready as the running sidecar has them; the admin API and the metrics say the same.

import { healthChecks } from '../admin/health-checks.ts';
import type { HealthCheck } from '../admin/views.ts';
import type { RunningSidecar } from './sidecar-parts.ts';

export function healthOf(sidecar: RunningSidecar): readonly HealthCheck[] {
  const { clock, identity, policy, listeners, outbound, journal } = sidecar.parts;
  return healthChecks({
    nowMs: clock.nowMs(),
    identity: identity.current,
    identityFault: identity.status.fault?.message ?? null,
    policyDigest: policy.status().digest || null,
    listeners: [...listeners.all, ...outbound.all].map((listener) => ({
      name: listener.settings.options.name,
      address: listener.settings.options.listen,
      bound: listener.isListening,
    })),
    journalFault: journal.fault(),
    draining: sidecar.phase === 'draining' || sidecar.phase === 'stopped',
  });
}
