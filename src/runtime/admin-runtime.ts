// Binds the admin API to the running sidecar: what each endpoint shows and does.

import type { AdminServer } from '../admin/admin-server.ts';
import type { AdminControls, AdminViews, PolicyView, RuleView, WorkloadHealthPaths } from '../admin/views.ts';
import type { CompiledPolicy } from '../authz/compiled-policy.ts';
import { explanationText } from '../authz/explain-text.ts';
import type { RuleHits } from '../authz/rule-hits.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { describeIdentity, type IdentityView } from '../identity/identity-view.ts';
import { logLevels } from '../telemetry/operational-log.ts';
import { explainRecord, explainRequest } from './explanations.ts';
import { healthOf } from './health-runtime.ts';
import { createSidecarScrape } from './metric-sources.ts';
import { openAdminListeners } from './open-admin.ts';
import type { RunningSidecar } from './sidecar-parts.ts';
import { workloadHealthPaths } from './workload-health-paths.ts';

/** The admin API, and the address for probes where there is one; closed as one. @throws PosternError ERR_LISTEN */
export function openAdmin(config: PosternConfig, sidecar: RunningSidecar): Promise<AdminServer> {
  const { log } = sidecar.parts;
  return openAdminListeners(config.admin, {
    views: { ...viewsOf(sidecar), metrics: createSidecarScrape(sidecar) },
    controls: controlsOf(sidecar),
    workloadHealth: workloadHealthOf(sidecar),
    onError: (error) => log.sampled('admin', 1).error('a defect in the admin API', { error }),
  });
}

/** What a sidecar shows of itself, but its metrics. */
export function viewsOf(sidecar: RunningSidecar): Omit<AdminViews, 'metrics'> {
  const { environment, policy, reloader, recent, clock } = sidecar.parts;
  return {
    version: environment.version,
    health: () => healthOf(sidecar),
    config: () => reloader.config,
    configSecrets: () => reloader.config.secrets,
    identity: () => ownIdentityView(sidecar),
    policy: () => policyView(sidecar),
    explain: (request) => withText(explainRequest(policy, request, clock.nowMs())),
    explainRecord: (record) => {
      const explanation = explainRecord(policy, record, clock.nowMs());
      return explanation === null ? null : withText(explanation);
    },
    decisions: recent,
  };
}

function ownIdentityView(sidecar: RunningSidecar): IdentityView {
  const { identity, attributes, clock } = sidecar.parts;
  const { current: snapshot, status, jwtBundles } = identity;
  const described = {
    snapshot,
    status,
    jwtBundles: jwtBundles.current,
    attributes: attributes.current(snapshot.svid.id),
  };
  return describeIdentity(described, clock.nowMs());
}

function withText(explanation: ReturnType<typeof explainRequest>) {
  return { ...explanation, text: explanationText(explanation).split('\n') };
}

function policyView(sidecar: RunningSidecar): PolicyView {
  const { policy } = sidecar.parts;
  const status = policy.status();
  const { bundles } = policy;
  return {
    digest: status.digest || null,
    loaded_at: status.digest === '' ? null : new Date(status.loadedAtMs).toISOString(),
    rules: [
      ...ruleViews(bundles?.enforced.policies ?? [], status.hits, null),
      ...ruleViews(bundles?.candidate?.policies ?? [], status.candidateHits, 'shadow'),
    ],
  };
}

function ruleViews(
  policies: readonly CompiledPolicy[],
  hits: readonly RuleHits[],
  mode: 'shadow' | null,
): readonly RuleView[] {
  const counts = new Map(hits.map((hit) => [`${hit.policy}\n${hit.rule}`, hit.count]));
  return policies.flatMap(({ document, rules }) =>
    rules.map(({ ref, document: rule }) => ({
      policy: document.name,
      rule: ref.name,
      mode: mode ?? (document.mode === 'shadow' || rule.mode === 'shadow' ? 'shadow' : 'enforce'),
      effect: ref.effect,
      hits: counts.get(`${document.name}\n${ref.name}`) ?? 0,
    })),
  );
}

function controlsOf(sidecar: RunningSidecar): AdminControls {
  const { log, reloader } = sidecar.parts;
  return {
    reload: async () => {
      await sidecar.reload();
      return { result: 'applied', notes: [] };
    },
    drain: () => void sidecar.stop(reloader.config.shutdown.drainMs, new AbortController().signal),
    quit: () => void sidecar.stop(0, AbortSignal.abort()),
    logLevel: () => log.level,
    setLogLevel: (word) => {
      const level = logLevels.find((known) => known === word);
      if (level === undefined) throw new TypeError(`a level is one of ${logLevels.join(', ')}`);
      log.setLevel(level);
    },
  };
}

function workloadHealthOf(sidecar: RunningSidecar): WorkloadHealthPaths {
  return workloadHealthPaths(() => sidecar.parts.listeners.all.map((listener) => listener.settings.options));
}
