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
    view('/policy', 'digest, rules and which were never used', () => json(200, policyBody(views))),
    view('/decisions', 'recent decisions; ?decision= &peer= &reason= &limit=', (request) => decisions(views, request)),
    view('/decisions/{id}', 'one decision with its explanation', (request) => decision(views, request.id)),
    {
      method: 'POST',
      path: '/policy/explain',
      group: 'views',
      about: 'a request in, its decision explained out',
      handle: ({ body }) => {
        if (body === undefined) return problem(400, 'send the request to explain as JSON');
        return json(200, views.explain(body));
      },
    },
  ];
}

function view(path: string, about: string, handle: AdminRoute['handle']): AdminRoute {
  return { method: 'GET', path, group: 'views', about, handle };
}

function identity(views: AdminViews): AdminAnswer {
  const own = views.identity();
  return own === null ? problem(503, 'there is no identity yet') : json(200, own);
}

function policyBody(views: AdminViews): unknown {
  const { digest, loaded_at, rules } = views.policy();
  const unused = rules.filter(({ hits }) => hits === 0).map(({ policy, rule, mode }) => ({ policy, rule, mode }));
  return { digest, loaded_at, rule_count: rules.length, rules, unused_rules: unused };
}

function decisions(views: AdminViews, request: AdminRequest): AdminAnswer {
  const query = readDecisionQuery(request.query);
  if (query.kind === 'refused') return problem(400, query.detail);
  return json(200, { kept: views.decisions.kept, decisions: views.decisions.list(query.filter) });
}

function decision(views: AdminViews, id: string): AdminAnswer {
  const found = /^[\w-]{8,64}$/.test(id) ? views.decisions.find(id) : null;
  if (found === null) {
    const detail = 'this decision is not in memory any more; `postern audit query` finds it in the journal';
    return problem(404, detail);
  }
  return json(200, { ...found, explanation: views.explainRecord(found.record) });
}

function page(views: AdminViews, request: AdminRequest): AdminAnswer {
  const query = readDecisionQuery(request.query);
  if (query.kind === 'refused') return problem(400, query.detail);
  const body = statusPage({
    version: views.version,
    checks: views.health(),
    identity: views.identity(),
    policy: views.policy(),
    filter: query.filter,
    decisions: views.decisions.list({ ...query.filter, limit: Math.min(query.filter.limit, 50) }),
    kept: views.decisions.kept,
  });
  return { status: 200, contentType: 'text/html; charset=utf-8', body, headers: statusPageHeaders };
}
