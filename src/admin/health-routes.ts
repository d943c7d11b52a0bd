// Liveness, readiness and start-up for probes. Ready means: every check holds now. Started means: it was ready once, so
// that a slow start is not taken for a dead process.

import { type AdminAnswer, type AdminRoute, json } from './admin-http.ts';
import type { AdminViews, HealthCheck, WorkloadHealthPaths } from './views.ts';

/** `details` says whether an answer may name what is wrong in words; a probe's address may be open to the network. */
export interface HealthRouteOptions {
  readonly details: boolean;
}

export function healthRoutes(views: Pick<AdminViews, 'health'>, options: HealthRouteOptions): readonly AdminRoute[] {
  let started = false;
  const check = async (): Promise<readonly HealthCheck[]> => {
    const checks = await views.health();
    if (checks.every(({ ok }) => ok)) started = true;
    return checks;
  };
  return [
    probe('/livez', 'the event loop answers', () => json(200, { status: 'live' })),
    probe('/readyz', 'every check holds', async () => healthAnswer(await check(), options, 'ready')),
    probe('/startupz', 'it was ready once', async () => {
      const checks = await check();
      return started ? json(200, { status: 'started' }) : healthAnswer(checks, options, 'started');
    }),
  ];
}

function probe(path: string, about: string, handle: AdminRoute['handle']): AdminRoute {
  return { method: 'GET', path, group: 'probes', about, handle };
}

function healthAnswer(checks: readonly HealthCheck[], options: HealthRouteOptions, word: string): AdminAnswer {
  const failing = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  const shown = options.details ? checks : checks.map(({ name, ok }) => ({ name, ok }));
  const status = failing.length === 0 ? word : `not ${word}`;
  return json(failing.length === 0 ? 200 : 503, { status, failing, checks: shown });
}

/** What the workload answers at one of its health paths, asked anew for each request. */
export async function passWorkloadHealth(workload: WorkloadHealthPaths, path: string): Promise<AdminAnswer> {
  try {
    return await workload.ask(path);
  } catch {
    return json(503, { status: 'the workload does not answer' });
  }
}
