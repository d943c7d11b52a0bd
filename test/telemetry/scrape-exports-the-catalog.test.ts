// What a scrape gives: every metric of the catalog, in valid text, with the labels that the catalog says, and the values
// that were counted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProxyObserver, UpstreamCounters } from '../../src/proxy/proxy-observer.ts';
import { type MetricName, metricCatalog } from '../../src/telemetry/metric-catalog.ts';
import { createProxyMetrics, createScrape } from '../../src/telemetry/metrics.ts';
import { type ReadFamily, readExposition } from './exposition-reader.ts';
import { plainSources } from './plain-sources.ts';

const metrics = createProxyMetrics(['api']);
const scrape = createScrape(metrics, plainSources());

async function families(): Promise<ReadonlyMap<string, ReadFamily>> {
  return readExposition((await scrape()).text);
}

function sampleOf(
  read: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  const family = read.get(name.replace(/_(?:bucket|sum|count)$/, '')) ?? read.get(name);
  const found = family?.samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels.get(key) === value),
  );
  assert.equal(found?.length, 1, `${name} ${JSON.stringify(labels)}`);
  return found![0]!.value;
}

test('everything that the proxy counts is exported', async () => {
  const api: ProxyObserver & UpstreamCounters = metrics.listener('api');
  api.connectionOpened();
  api.connectionOpened();
  api.connectionClosed();
  api.connectionRefused('connection_limit');
  api.handshakeEnded('timeout', 'handshake_timeout');
  api.handshakeEnded('refused', 'certificate_expired');
  api.handshakeEnded('accepted', 'none');
  api.handshakeDone(3);
  api.requestBegun();
  api.requestBegun();
  api.requestEnded(200, 40, { request: 10, response: 1_000 });
  api.requestEnded(0, 5, { request: 0, response: 0 });
  api.decided('allow', 'rule', 0.002);
  api.decided('deny', 'default', 0.004);
  api.boundaryCrossed('deny');
  api.credentialLifetimeAlarm();
  api.shadowWouldChange();
  api.ownAnswer('denied', 403);
  api.wireError('ERR_HTTP_FIELD');
  api.limitMet('idle');
  api.retried();
  api.upstreamAnswered(20);
  api.upstreamConnects += 2;
  api.upstreamConnectFailures.add('timeout');
  api.upstreamReused += 5;
  metrics.indeterminate.add([{ policy: 'p', rule: 'r', attributes: ['resource.namespace', 'action.name'] }]);
  metrics.histograms.journalWrite.observe(0.02);

  const read = await families();
  const listener = 'api';
  const expected: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    ['postern_connections_open', { listener }, 1],
    ['postern_connections_accepted_total', { listener }, 2],
    ['postern_connections_refused_total', { listener, reason: 'connection_limit' }, 1],
    ['postern_handshakes_total', { listener, result: 'timeout', reason: 'handshake_timeout' }, 1],
    ['postern_handshakes_total', { listener, result: 'refused', reason: 'no_certificate' }, 0],
    ['postern_handshakes_total', { listener, result: 'refused', reason: 'certificate_expired' }, 1],
    ['postern_handshakes_total', { listener, result: 'accepted', reason: 'none' }, 1],
    ['postern_handshake_seconds_bucket', { listener, le: '0.0025' }, 0],
    ['postern_handshake_seconds_bucket', { listener, le: '0.005' }, 1],
    ['postern_requests_total', { listener }, 2],
    ['postern_requests_in_flight', { listener }, 0],
    ['postern_responses_total', { listener, class: '2xx' }, 1],
    ['postern_responses_total', { listener, class: 'none' }, 1],
    ['postern_own_answers_total', { listener, status: '403', reason: 'denied' }, 1],
    ['postern_request_seconds_count', { listener }, 2],
    ['postern_request_seconds_sum', { listener }, 0.045],
    ['postern_request_body_bytes_total', { listener }, 10],
    ['postern_response_body_bytes_total', { listener }, 1_000],
    ['postern_retries_total', { listener }, 1],
    ['postern_wire_errors_total', { listener, code: 'ERR_HTTP_FIELD' }, 1],
    ['postern_limits_met_total', { listener, limit: 'idle' }, 1],
    ['postern_upstream_connects_total', { listener }, 2],
    ['postern_upstream_connect_failures_total', { listener, reason: 'timeout' }, 1],
    ['postern_upstream_connect_failures_total', { listener, reason: 'refused' }, 0],
    ['postern_upstream_reused_total', { listener }, 5],
    ['postern_upstream_connections_open', { listener }, 4],
    ['postern_upstream_connections_idle', { listener }, 3],
    ['postern_upstream_seconds_sum', { listener }, 0.02],
    ['postern_decisions_total', { listener, decision: 'allow', reason: 'rule' }, 1],
    ['postern_decisions_total', { listener, decision: 'deny', reason: 'rule' }, 0],
    ['postern_decisions_total', { listener, decision: 'deny', reason: 'default' }, 1],
    ['postern_decision_seconds_sum', { listener }, 0.000006],
    ['postern_environment_boundary_total', { listener, effect: 'deny' }, 1],
    ['postern_credential_lifetime_alarms_total', { listener }, 1],
    ['postern_shadow_would_change_total', { listener }, 1],
    ['postern_authz_indeterminate_total', { policy: 'p', rule: 'r', attribute: 'action.name' }, 1],
    ['postern_journal_write_seconds_sum', {}, 0.00002],
  ];
  for (const [name, labels, value] of expected) assert.equal(sampleOf(read, name, labels), value, name);
});

test('the figures of the other parts are exported in base units', async () => {
  const read = await families();
  const expected: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    ['postern_build_info', { version: '1.2.3', node_version: 'v26.10.0' }, 1],
    ['postern_ready', {}, 1],
    ['postern_draining', {}, 0],
    ['postern_config_loaded_timestamp_seconds', {}, 1_763_800_000.5],
    ['postern_config_reloads_total', { result: 'applied' }, 2],
    ['postern_config_reloads_total', { result: 'refused' }, 1],
    ['postern_log_suppressed_total', {}, 7],
    ['postern_log_dropped_total', {}, 3],
    ['postern_policy_info', { digest: 'sha256:abc' }, 1],
    ['postern_policy_loaded_timestamp_seconds', {}, 1_763_800_001],
    ['postern_policy_rules', { mode: 'enforce' }, 12],
    ['postern_policy_rules', { mode: 'shadow' }, 4],
    ['postern_policy_unused_rules', {}, 5],
    ['postern_policy_lint_findings', { level: 'warning' }, 2],
    ['postern_policy_load_failures_total', {}, 1],
    ['postern_plan_cache_entries', {}, 3],
    ['postern_plan_cache_hits_total', {}, 20],
    ['postern_plan_cache_misses_total', {}, 4],
    ['postern_journal_records_total', {}, 100],
    ['postern_journal_bytes_total', {}, 100_000],
    ['postern_journal_write_failures_total', {}, 1],
    ['postern_journal_unwritten_records_total', {}, 2],
    ['postern_journal_dropped_records_total', {}, 0],
    ['postern_journal_stalls_total', {}, 3],
    ['postern_journal_pooled', {}, 1],
    ['postern_journal_pending_records', {}, 4],
    ['postern_journal_unsealed_records', {}, 9],
    ['postern_journal_retained_bytes', {}, 4_096],
    ['postern_journal_sync_failures_total', {}, 0],
    ['postern_stdout_copies_total', {}, 98],
    ['postern_stdout_copies_dropped_total', {}, 2],
    ['postern_identity_svid_not_before_timestamp_seconds', {}, 1_763_800_000],
    ['postern_identity_svid_expiry_timestamp_seconds', {}, 1_763_803_600],
    ['postern_identity_rotations_total', {}, 2],
    ['postern_identity_rotations_refused_total', {}, 1],
    ['postern_revocations', {}, 4],
    ['postern_revocations_refused_total', {}, 1],
    ['postern_registry_rows', {}, 6],
    ['postern_registry_refused_total', {}, 2],
    ['postern_identity_bundles', {}, 2],
  ];
  for (const [name, labels, value] of expected) assert.equal(sampleOf(read, name, labels), value, name);
});

test('every metric of the catalog has samples, its type, its help and exactly its labels', async () => {
  const read = await families();
  for (const [name, { type, help, labels }] of Object.entries(metricCatalog)) {
    const family = read.get(name);
    assert.ok(family !== undefined && family.samples.length > 0, `${name} has a sample`);
    assert.equal(family.type, type, name);
    assert.equal(family.help, help, name);
    for (const sample of family.samples) {
      const names = [...sample.labels.keys()].filter((label) => label !== 'le').sort();
      assert.deepEqual(names, [...labels].sort(), name);
    }
  }
  for (const name of read.keys()) {
    if (name.startsWith('postern_')) assert.ok(name in metricCatalog, `${name} is of the catalog`);
  }
});

test('buckets are cumulative and end at the count', async () => {
  for (const [name, { type, samples }] of await families()) {
    if (type !== 'histogram' || !name.startsWith('postern_')) continue;
    const buckets = samples.filter((sample) => sample.name.endsWith('_bucket')).map(({ value }) => value);
    assert.deepEqual(
      buckets,
      buckets.toSorted((a, b) => a - b),
      name,
    );
    assert.equal(buckets.at(-1), samples.find((sample) => sample.name.endsWith('_count'))!.value, name);
  }
});

test('metrics of the process are there: CPU, memory, descriptors, event loop', async () => {
  const read = await families();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_open_fds',
    'process_start_time_seconds',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.ok(read.has(name), name);
  }
});

test('words of a policy file cannot break out of their label', async () => {
  const own = createProxyMetrics([]);
  const rule = 'a"} 1\n# TYPE forged counter\\';
  own.indeterminate.add([{ policy: rule, rule, attributes: [rule] }]);
  const read = readExposition((await createScrape(own, plainSources())()).text);
  assert.ok(!read.has('forged'));
  const [sample] = read.get('postern_authz_indeterminate_total')!.samples;
  assert.equal(sample!.labels.get('rule'), rule);
});

test('what has no figures yet is left out, not exported as 0', async () => {
  const own = createProxyMetrics([]);
  const sources = plainSources({ policy: () => null, identity: () => null, journal: () => null });
  const read = readExposition((await createScrape(own, sources)()).text);
  for (const name of ['postern_policy_rules', 'postern_identity_svid_expiry_timestamp_seconds']) {
    assert.deepEqual(read.get(name)!.samples, [], name);
  }
});

test('two processes in one test do not share a registry', async () => {
  const one = createProxyMetrics(['one']);
  one.listener('one').requestBegun();
  const read = readExposition((await createScrape(one, plainSources())()).text);
  assert.equal(sampleOf(read, 'postern_requests_total', { listener: 'one' }), 1);
  assert.equal(read.get('postern_requests_total')!.samples.length, 1);
});

test('names follow the conventions: counters end with _total, times are seconds, sizes bytes', () => {
  const unsafe = /path|peer|spiffe|address|user|host/;
  for (const [name, { type, labels }] of Object.entries(metricCatalog) as [
    MetricName,
    (typeof metricCatalog)[MetricName],
  ][]) {
    assert.match(name, /^postern_[a-z]+(?:_[a-z]+)+$|^postern_[a-z]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') assert.match(name, /_seconds$/);
    assert.doesNotMatch(name, /_ms$|_millis|_kb|_mb/);
    for (const label of labels) assert.doesNotMatch(label, unsafe, `${name}{${label}}`);
  }
});
