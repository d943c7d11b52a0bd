// The page for people: whole in itself, under a strict policy, and nothing that a stranger chose is markup in it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { html } from '../../src/admin/html-text.ts';
import { type StatusPageData, statusPage } from '../../src/admin/status-page.ts';
import { ask, openAdmin } from './admin-fixture.ts';

function pageData(word: string): StatusPageData {
  return {
    version: word,
    checks: [{ name: word, ok: false, detail: word }],
    identity: {
      spiffe_id: word,
      trust_domain: word,
      attributes: { namespace: word, service_account: word, environment: word, attestation: word, labels: {} },
      serial: word,
      fingerprint_sha256: word,
      issuer: word,
      not_before: word,
      not_after: word,
      expires_in_s: 90,
      chain_length: 1,
      revision: 1,
      source: {
        kind: 'files',
        endpoint: null,
        last_update: '',
        next_rotation: null,
        streams: {},
        fault: null,
        jwt_authorities: {},
        federation: [],
        crls: [],
      },
      bundles: [{ trust_domain: word, own: true, authorities: [] }],
    },
    policy: {
      digest: word,
      loaded_at: word,
      rules: [{ policy: word, rule: word, mode: 'enforce', effect: 'deny', hits: 0 }],
    },
    filter: { decision: 'deny', limit: 10 },
    decisions: [
      {
        decision_id: word,
        time: word,
        decision: word,
        reason: word,
        principal: { workload_id: word },
        action: { name: word },
        http: { method: word, path: word },
        resource: { type: word, name: word },
        rule: { policy: word, name: word },
        authn_failure: { cause: word },
      },
    ],
    kept: { denies: 1, allows: 0 },
  };
}

/** Tags and attribute names in order; text and attribute values left out. */
function skeleton(page: string): string {
  return [...page.matchAll(/<(\/?[a-z0-9!]+)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*>/g)]
    .map(
      ([, name, attributes]) => `${name} ${[...attributes!.matchAll(/\s([a-z-]+)(?:=|\s|$)/g)].map(([, one]) => one)}`,
    )
    .join('|');
}

test('whatever strangers chose, the page has the same elements and attributes', () => {
  const plain = skeleton(statusPage(pageData('plain')));
  assert.ok(plain.includes('table'), 'the skeleton is one');
  const markup = fc.constantFrom('<script>', '</style>', '"', "'", '`', '&', ' onload=x', '-->', '<!--', 'a');
  fc.assert(
    fc.property(fc.array(markup, { minLength: 1, maxLength: 6 }), (parts) => {
      const page = statusPage(pageData(parts.join('')));
      assert.equal(skeleton(page), plain);
      assert.equal(page.match(/<script/g), null);
    }),
  );
});

test('values in templates are escaped, made parts are not', () => {
  assert.equal(
    `${html`<a href="${'"><b>'}">${html`<i>${"&'"}</i>`}${[html`1`, html`2`]}${null}</a>`}`,
    '<a href="&#34;&#62;&#60;b&#62;"><i>&#38;&#39;</i>12</a>',
  );
});

test('the page loads nothing from anywhere, and its policy allows only its own style', async (context) => {
  const { port } = await openAdmin(context);
  const answer = await ask(port, '/');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
  assert.doesNotMatch(answer.text, /<script|<link|<img|<iframe|src=|url\(|@import| style=| on[a-z]+=|https?:/);
  const style = /<style>([^<]*)<\/style>/.exec(answer.text)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = answer.headers['content-security-policy'];
  assert.equal(
    policy,
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
});

test('the page says whether the sidecar is ready, and which check fails', async (context) => {
  let ok = true;
  const { port } = await openAdmin(context, { views: { health: () => [{ name: 'svid', ok, detail: 'until noon' }] } });
  assert.match((await ask(port, '/')).text, />ready</);
  ok = false;
  const { text } = await ask(port, '/');
  assert.match(text, />not ready</);
  assert.match(text, />fails</);
});
