// What a worker does when it is called: a sidecar without an admin API and without a watch on its configuration, which
// are its supervisor's.

import { PosternError } from '../errors.ts';
import { viewsOf } from '../runtime/admin-runtime.ts';
import { digestOf } from '../runtime/load-bundles.ts';
import { createSidecarDataScrape } from '../runtime/metric-sources.ts';
import type { PreparedReload } from '../runtime/reloader.ts';
import { Sidecar } from '../runtime/sidecar.ts';
import type { MetricData } from '../telemetry/metric-data.ts';
import type { WorkerOrder } from './worker-calls.ts';
import type { WorkerRole } from './worker-host.ts';

/** The parts that exist once it is built. */
interface Built {
  readonly sidecar: Sidecar;
  readonly views: ReturnType<typeof viewsOf>;
  readonly scrape: () => Promise<MetricData>;
}

export function createWorkerRole(): WorkerRole {
  const hurry = new AbortController();
  let built: Built | null = null;
  let prepared: PreparedReload | null = null;
  const it = (): Built => {
    if (built === null) throw new PosternError('ERR_WORKER', 'the worker is not built yet');
    return built;
  };
  const views = () => it().views;
  const own = () => it().sidecar;
  const parts = () => own().parts;
  return {
    build: async (order) => {
      built = await build(order);
      return digestInForce(built.sidecar);
    },
    open: () => own().open(),
    prepare: async (config) => {
      prepared?.discard();
      prepared = null;
      prepared = await parts().reloader.prepare(config);
      return prepared.policyDigest;
    },
    commit: async () => {
      const next = prepared;
      prepared = null;
      await next?.commit();
    },
    discard: () => {
      prepared?.discard();
      prepared = null;
    },
    refresh: () => parts().identity.refresh(),
    health: () => views().health(),
    figures: async () => ({ metrics: await it().scrape(), hits: hitsOf(own()) }),
    identity: () => views().identity(),
    policy: () => views().policy(),
    explain: (request) => views().explain(request),
    explainRecord: (record) => views().explainRecord(record),
    decisions: (filter) => views().decisions.list(filter),
    decision: (id) => views().decisions.find(id),
    kept: () => views().decisions.kept,
    setLogLevel: (level) => parts().log.setLevel(level),
    stop: (drainMs) => built?.sidecar.stop(drainMs, hurry.signal) ?? Promise.resolve(true),
    hurry: () => hurry.abort(),
    orphaned: async () => {
      if (built === null) return;
      const { sidecar } = built;
      // Whoever is started in the supervisor's place finds the port free at once.
      const { listeners, outbound } = sidecar.parts;
      await Promise.all([listeners.stopAccepting(), outbound.stopAccepting()]);
      await sidecar.stop(sidecar.drainMs, hurry.signal);
    },
  };
}

async function build({ config, environment }: WorkerOrder): Promise<Built> {
  // Only `prepare` brings another configuration, so that all workers have the same.
  const readConfig = () => Promise.resolve(config);
  const sidecar = await Sidecar.build(config, { ...environment, readConfig });
  return { sidecar, views: viewsOf(sidecar), scrape: createSidecarDataScrape(sidecar) };
}

function digestInForce(sidecar: Sidecar): string {
  const { bundles } = sidecar.parts.policy;
  return bundles === null ? '' : digestOf(bundles);
}

function hitsOf(sidecar: Sidecar): readonly number[] {
  return sidecar.parts.policy.status().hits.map(({ count }) => count);
}
