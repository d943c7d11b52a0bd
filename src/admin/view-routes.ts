// What there is to see: metrics, configuration, identity, policy, decisions, and the page for people.

import { type AdminAnswer, type AdminRequest, type AdminRoute, json, problem } from './admin-http.ts';
import { readDecisionQuery } from './decision-query.ts';
import { maskSecrets } from './mask-secrets.ts';
import { statusPage, statusPageHeaders } from './status-page.ts';
import type { AdminViews } from './views.ts';

export function viewRoutes(views: AdminViews): readonly AdminRoute[] {
  return [
    view('/', 'this sidecar at a glance, for people', (request) => page(views, request)),
    view('/metrics', 'Prometheus text', async () => {
      const { contentType, text } = await views.metrics();
      return { status: 200, contentType, body: text };
    }),
    view('/config', 'the configuration in force, secrets masked', () =>
      json(200, maskSecrets(views.config(), views.configSecrets())),
    ),
    view('/identity', 'own SVID and trust bundles', () => identity(views)),
    view('/policy', 'digest, rules and which were never used', async () => json(200, await policyBody(views))),
    view('/decisions', 'recent decisions; ?decision= &peer= &reason= &limit=', (request) => decisions(views, request)),
    view('/decisions/{id}', 'one decision with its explanation', (request) => decision(views, request.id)),
    {
      method: 'POST',
      path: '/policy/explain',
      group: 'views',
      about: 'a request in, its decision explained out',
      handle: async ({ body }) => {
        if (body === undefined) return problem(400, 'send the request to explain as JSON');
        return json(200, await views.explain(body));
      },
    },
  ];
}

function view(path: string, about: string, handle: AdminRoute['handle']): AdminRoute {
  return { method: 'GET', path, group: 'views', about, handle };
}

async function identity(views: AdminViews): Promise<AdminAnswer> {
  const own = await views.identity();
  return own === null ? problem(503, 'there is no identity yet') : json(200, own);
}

async function policyBody(views: AdminViews): Promise<unknown> {
  const { digest, loaded_at, rules } = await views.policy();
  const unused = rules.filter(({ hits }) => hits === 0).map(({ policy, rule, mode }) => ({ policy, rule, mode }));
  return { digest, loaded_at, rule_count: rules.length, rules, unused_rules: unused };
}

async function decisions(views: AdminViews, request: AdminRequest): Promise<AdminAnswer> {
  const query = readDecisionQuery(request.query);
  if (query.kind === 'refused') return problem(400, query.detail);
  return json(200, { kept: await views.decisions.kept, decisions: await views.decisions.list(query.filter) });
}

async function decision(views: AdminViews, id: string): Promise<AdminAnswer> {
  const found = /^[\w-]{8,64}$/.test(id) ? await views.decisions.find(id) : null;
  if (found === null) {
    const detail = 'this decision is not in memory any more; `postern audit query` finds it in the journal';
    return problem(404, detail);
  }
  return json(200, { ...found, explanation: await views.explainRecord(found.record) });
}

async function page(views: AdminViews, request: AdminRequest): Promise<AdminAnswer> {
  const query = readDecisionQuery(request.query);
  if (query.kind === 'refused') return problem(400, query.detail);
  const body = statusPage({
    version: views.version,
    checks: await views.health(),
    identity: await views.identity(),
    policy: await views.policy(),
    filter: query.filter,
    decisions: await views.decisions.list({ ...query.filter, limit: Math.min(query.filter.limit, 50) }),
    kept: await views.decisions.kept,
  });
  return { status: 200, contentType: 'text/html; charset=utf-8', body, headers: statusPageHeaders };
}
