// `identity.federation`, `identity.bundle_endpoint` and `identity.crl`: what they give, and which halves are refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changed, findingsOf, parse, smallest } from './sample-config.ts';

const withIdentity = (text: string): string => changed('  source:', `  ${text}\n  source:`);
const bundle = (text: string): string => withIdentity(`federation: [{ trust_domain: p.example, bundle: { ${text} } }]`);
const web = 'url: "https://b.p.example/x?y=1", profile: https_web';
const spiffe = 'url: "https://b.p.example/", profile: https_spiffe, endpoint_spiffe_id: "spiffe://p.example/b"';

test('both profiles give an endpoint, with absolute file names', () => {
  const [one] = parse(bundle(`${web}, ca: web.pem, refresh: 30s`)).identity.federation;
  assert.deepEqual(one, {
    trustDomain: 'p.example',
    bundleFile: null,
    endpoint: {
      trustDomain: 'p.example',
      url: 'https://b.p.example/x?y=1',
      profile: { kind: 'https_web', caFile: '/etc/postern/web.pem' },
      refreshMs: 30_000,
      hasFile: false,
    },
  });
  const [two] = parse(bundle(`${spiffe}, file: p.pem`)).identity.federation;
  assert.deepEqual(two?.endpoint?.profile, { kind: 'https_spiffe', spiffeId: 'spiffe://p.example/b' });
  assert.deepEqual(
    [two?.endpoint?.hasFile, two?.endpoint?.refreshMs, two?.bundleFile],
    [true, null, '/etc/postern/p.pem'],
  );
});

test('the own endpoint and revocation lists have their defaults', () => {
  const { bundleEndpoint, crl } = parse(
    withIdentity('bundle_endpoint: { listen: "0.0.0.0:8453" }\n  crl: { files: [ca.crl], expired: use }'),
  ).identity;
  const listen = { kind: 'tcp', host: '0.0.0.0', port: 8453 };
  assert.deepEqual(bundleEndpoint, { listen, profile: { kind: 'https_spiffe' }, refreshHintMs: 300_000 });
  assert.deepEqual(crl, { files: ['/etc/postern/ca.crl'], expired: 'use' });
  const served = parse(
    withIdentity('bundle_endpoint: { listen: "0.0.0.0:8453", profile: https_web, cert: w.crt, key: w.key }'),
  ).identity.bundleEndpoint;
  const files = { certFile: '/etc/postern/w.crt', keyFile: '/etc/postern/w.key' };
  assert.deepEqual(served?.profile, { kind: 'https_web', ...files });
});

const refused: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['neither file nor url', bundle(''), /a bundle needs `file` or `url`/],
  ['a url without a profile', bundle('url: "https://a.example"'), /`url` needs a `profile`/],
  ['a profile without a url', bundle('file: a.pem, profile: https_web'), /`profile` needs a `url`/],
  ['a refresh without a url', bundle('file: a.pem, refresh: 5m'), /`refresh` needs a `url`/],
  [
    'https_spiffe without an ID',
    bundle('url: "https://a.example", profile: https_spiffe'),
    /needs `endpoint_spiffe_id`/,
  ],
  ['https_web with an ID', bundle(`${web}, endpoint_spiffe_id: "spiffe://p.example/b"`), /is for `https_spiffe`/],
  ['https_spiffe with CAs', bundle(`${spiffe}, file: p.pem, ca: web.pem`), /`ca` is for `https_web`/],
  ['an endpoint known by nothing', bundle(spiffe), /is known by the very bundle that it serves/],
  ...['http://a.example', 'https://u:p@a.example', 'https://a.example/#x', 'https://', 'https://a b', 'file:///x'].map(
    (url) => [url, bundle(`url: "${url}", profile: https_web`), /is not the URL of a bundle endpoint/] as const,
  ),
  [
    'a trust domain twice',
    withIdentity(
      'federation: [{ trust_domain: p.example, bundle: { file: a } }, { trust_domain: p.example, bundle: { file: b } }]',
    ),
    /the trust domain `p\.example` is that of `federation\[0\]`/,
  ],
  [
    'half a web certificate',
    withIdentity('bundle_endpoint: { listen: "0.0.0.0:1", profile: https_web, cert: a }'),
    /needs both/,
  ],
  [
    'a web certificate without its profile',
    withIdentity('bundle_endpoint: { listen: "0.0.0.0:1", cert: a, key: b }'),
    /needs both/,
  ],
  ['an endpoint on a file', withIdentity('bundle_endpoint: { listen: "unix:/run/x" }'), /is for others/],
  [
    'an endpoint on a listener',
    withIdentity('bundle_endpoint: { listen: "0.0.0.0:8443" }'),
    /is taken by the listener `api`/,
  ],
  [
    'an endpoint on the admin API',
    withIdentity('bundle_endpoint: { listen: "127.0.0.1:9901" }'),
    /is taken by the admin API/,
  ],
  [
    'a free port for several workers',
    `${withIdentity('bundle_endpoint: { listen: "0.0.0.0:0" }')}workers: 2\naudit: { journal: { dir: /x } }\n`,
    /each worker would get a free port/,
  ],
  ['another word', withIdentity('crl: { expired: ignore }'), /is not one of the words/],
];

describe('refuses', () => {
  for (const [what, text, message] of refused) {
    test(what, () => {
      const findings = findingsOf(text);
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0]!, message);
      assert.match(findings[0]!, /^postern\.yaml:\d+:\d+: error: /);
    });
  }
});

test('an agent may give the first bundle of an endpoint', () => {
  const agent = smallest.replace('source: files', 'source: workload-api\n  workload_api: { socket: "unix:/a" }');
  const text = agent
    .replace(/ {2}files: .*\n/, '')
    .replace('  source:', `  federation: [{ trust_domain: p.example, bundle: { ${spiffe} } }]\n  source:`);
  assert.equal(parse(text).identity.federation[0]?.bundleFile, null);
});
