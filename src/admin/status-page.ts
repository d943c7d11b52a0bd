// The page for people: this sidecar at a glance. It is whole in itself: no script, no font, no picture from elsewhere,
// and a content security policy that allows nothing but its own style.

import { createHash } from 'node:crypto';
import type { IdentityView } from '../identity/identity-view.ts';
import { type Html, html } from './html-text.ts';
import type { DecisionFilter, JournalRecord } from './recent-decisions.ts';
import { statusPageStyle } from './status-page-style.ts';
import type { HealthCheck, PolicyView } from './views.ts';

/** What the page shows. */
export interface StatusPageData {
  readonly version: string;
  readonly checks: readonly HealthCheck[];
  readonly identity: IdentityView | null;
  readonly policy: PolicyView;
  readonly filter: DecisionFilter;
  readonly decisions: readonly JournalRecord[];
  readonly kept: { readonly denies: number; readonly allows: number };
}

const styleHash = createHash('sha256').update(statusPageStyle).digest('base64');

export const statusPageHeaders: Readonly<Record<string, string>> = Object.freeze({
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${styleHash}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
});

export function statusPage(data: StatusPageData): string {
  const ready = data.checks.every(({ ok }) => ok);
  // The style element holds the hashed text and nothing else.
  const head = `<style>${statusPageStyle}</style>`;
  const body = html`<main>
<header><h1>Postern</h1>${tag(ready, ready ? 'ready' : 'not ready')}<span class="soft">${data.version}</span></header>
<div class="cards">${checksCard(data.checks)}${identityCard(data.identity)}${policyCard(data.policy)}</div>
${decisionsCard(data)}
<footer class="soft"><a href="/metrics">metrics</a> · <a href="/config">configuration</a> ·
<a href="/identity">identity</a> · <a href="/policy">policy</a> · <a href="/decisions">decisions</a> ·
renewed every 10 seconds</footer>
</main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="10"><title>Postern</title>${head}</head>
<body>${body}</body></html>
`;
}

function tag(good: boolean, text: string): Html {
  return html`<span class="tag ${good ? 'good' : 'bad'}">${text}</span>`;
}

function checksCard(checks: readonly HealthCheck[]): Html {
  const rows = checks.map(
    ({ name, ok, detail }) => html`<dt>${name}</dt><dd>${tag(ok, ok ? 'ok' : 'fails')} ${detail}</dd>`,
  );
  return html`<section><h2>Checks</h2><dl>${rows}</dl></section>`;
}

function identityCard(identity: IdentityView | null): Html {
  if (identity === null) return html`<section><h2>Identity</h2>There is none yet.</section>`;
  const domains = identity.bundles.map(({ trust_domain }) => trust_domain).join(', ');
  return html`<section><h2>Identity</h2><dl>
<dt>SPIFFE ID</dt><dd class="mono">${identity.spiffe_id}</dd>
<dt>expires</dt><dd>${identity.not_after} <span class="soft">(${untilText(identity.expires_in_s)})</span></dd>
<dt>serial</dt><dd class="mono">${identity.serial}</dd>
<dt>bundles</dt><dd>${domains}</dd></dl></section>`;
}

function policyCard(policy: PolicyView): Html {
  const unused = policy.rules.filter(({ hits }) => hits === 0).length;
  return html`<section><h2>Policy</h2><dl>
<dt>digest</dt><dd class="mono">${policy.digest === null ? 'none' : policy.digest.slice(0, 19)}</dd>
<dt>loaded</dt><dd>${policy.loaded_at ?? 'never'}</dd>
<dt>rules</dt><dd>${policy.rules.length} <span class="soft">(${unused} never used)</span></dd></dl></section>`;
}

function decisionsCard({ filter, decisions, kept }: StatusPageData): Html {
  const rows = decisions.map(decisionRow);
  const none = decisions.length === 0 ? html`<p class="soft">None yet.</p>` : null;
  return html`<section><h2>Recent decisions</h2><nav>
${filterLink('/', 'all', filter.decision === undefined)}
${filterLink('/?decision=deny', `denies (${kept.denies})`, filter.decision === 'deny')}
${filterLink('/?decision=allow', `allows (${kept.allows})`, filter.decision === 'allow')}</nav>
<div class="scroll"><table><thead><tr><th>time</th><th>decision</th><th>peer</th><th>action</th><th>resource</th>
<th>reason</th></tr></thead><tbody>${rows}</tbody></table></div>${none}</section>`;
}

function filterLink(href: string, text: string, current: boolean): Html {
  return current ? html`<a href="${href}" aria-current="page">${text}</a>` : html`<a href="${href}">${text}</a>`;
}

function decisionRow(record: JournalRecord): Html {
  const decision = text(record, 'decision');
  const http = [text(record, 'http', 'method'), text(record, 'http', 'path')].filter((part) => part !== '').join(' ');
  const rule = [text(record, 'rule', 'policy'), text(record, 'rule', 'name')].filter((part) => part !== '').join('/');
  const cause = text(record, 'authn_failure', 'cause');
  const id = text(record, 'decision_id');
  return html`<tr><td class="mono"><a href="/decisions/${encodeURIComponent(id)}">${text(record, 'time')}</a></td>
<td>${tag(decision === 'allow', decision)}</td><td class="mono">${text(record, 'principal', 'workload_id')}</td>
<td>${text(record, 'action', 'name')}<br><span class="soft mono">${http}</span></td>
<td>${text(record, 'resource', 'type')} ${text(record, 'resource', 'name')}</td>
<td>${text(record, 'reason')}<br><span class="soft">${rule}${cause}</span></td></tr>`;
}

/** The string at a place of a record, empty where there is none. */
function text(record: JournalRecord, ...path: readonly string[]): string {
  let value: unknown = record;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as JournalRecord)[name];
  }
  return typeof value === 'string' ? value : '';
}

function untilText(seconds: number): string {
  if (seconds <= 0) return 'over';
  if (seconds < 120) return `in ${Math.floor(seconds)} s`;
  if (seconds < 7_200) return `in ${Math.floor(seconds / 60)} min`;
  return `in ${Math.floor(seconds / 3_600)} h`;
}
