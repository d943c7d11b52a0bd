// The admin API of a supervisor: the one of the whole group. Everything that it does reaches every worker.

import type { AdminServer } from '../admin/admin-server.ts';
import type { AdminControls, AdminViews, HealthCheck } from '../admin/views.ts';
import { openAdminListeners } from '../runtime/open-admin.ts';
import { workloadHealthPaths } from '../runtime/workload-health-paths.ts';
import { logLevels } from '../telemetry/operational-log.ts';
import { askAll, joinedDecisions, joinedHealth, viewsOfAny } from './joined-views.ts';
import { createJoinedScrape } from './supervisor-metrics.ts';
import type { RunningSupervisor } from './supervisor-parts.ts';

/** @throws PosternError ERR_LISTEN */
export function openGroupAdmin(supervisor: RunningSupervisor): Promise<AdminServer> {
  const { config, log } = supervisor;
  return openAdminListeners(config.admin, {
    views: groupViews(supervisor),
    controls: groupControls(supervisor),
    workloadHealth: workloadHealthPaths(() => supervisor.config.inbound),
    onError: (error) => log.sampled('admin', 1).error('a defect in the admin API', { error }),
  });
}

function groupViews(supervisor: RunningSupervisor): AdminViews {
  const health = () => groupHealth(supervisor);
  return {
    version: supervisor.environment.version,
    health,
    metrics: createJoinedScrape(supervisor, health),
    config: () => supervisor.config,
    configSecrets: () => supervisor.config.secrets,
    ...viewsOfAny(supervisor.slots),
    decisions: joinedDecisions(supervisor.slots),
  };
}

async function groupHealth(supervisor: RunningSupervisor): Promise<readonly HealthCheck[]> {
  const checks = await joinedHealth(supervisor.slots);
  if (supervisor.phase === 'running') return checks;
  const ending: HealthCheck = { name: 'not_draining', ok: false, detail: `the sidecar is ${supervisor.phase}` };
  return [...checks.filter(({ name }) => name !== ending.name), ending];
}

function groupControls(supervisor: RunningSupervisor): AdminControls {
  const { log } = supervisor;
  return {
    reload: async () => {
      await supervisor.reload();
      return { result: 'applied', notes: [] };
    },
    drain: () => void supervisor.stop(supervisor.config.shutdown.drainMs, new AbortController().signal),
    quit: () => void supervisor.stop(0, AbortSignal.abort()),
    logLevel: () => log.level,
    setLogLevel: (word) => {
      const level = logLevels.find((known) => known === word);
      if (level === undefined) throw new TypeError(`a level is one of ${logLevels.join(', ')}`);
      log.setLevel(level);
      void askAll(supervisor.slots, 'setLogLevel', level);
    },
  };
}
