// Metrics of several workers as one text: sums, extremes, labels, and counters that do not fall.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricName, metricCatalog } from '../../src/telemetry/metric-catalog.ts';
import type { MetricData, MetricFamily } from '../../src/telemetry/metric-data.ts';
import { JoinedMetrics } from '../../src/workers/joined-metrics.ts';
import { workerConfig, workerCount } from '../../src/workers/worker-config.ts';
import { parse, smallest } from '../config/sample-config.ts';

function family(name: MetricName, value: number, labels: Record<string, string> = {}): MetricFamily {
  const { help, type } = metricCatalog[name];
  return { name, help, type, values: [{ labels, value }] };
}

const ofProcess = (value: number): MetricFamily => ({
  name: 'process_resident_memory_bytes',
  help: 'h',
  type: 'gauge',
  values: [{ labels: {}, value }],
});

function worker(requests: number, expiry: number, retained: number): MetricData {
  return [
    family('postern_requests_total', requests, { listener: 'api' }),
    family('postern_connections_open', 2, { listener: 'api' }),
    family('postern_identity_svid_expiry_timestamp_seconds', expiry),
    family('postern_journal_retained_bytes', retained),
    family('postern_config_reloads_total', 1, { result: 'applied' }),
    {
      name: 'postern_decision_seconds',
      help: 'h',
      type: 'histogram',
      values: [{ metricName: 'postern_decision_seconds_count', labels: { listener: 'api' }, value: requests }],
    },
    ofProcess(requests * 1_000),
  ];
}

const own: MetricData = [family('postern_config_reloads_total', 5, { result: 'applied' }), ofProcess(1)];

async function linesOf(joined: JoinedMetrics, workers: ReadonlyMap<number, MetricData>): Promise<readonly string[]> {
  const { text } = await joined.text(workers, own);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('each metric is joined by its rule, and figures of a process keep its name', async () => {
  const workers = new Map([
    [0, worker(10, 700, 4_096)],
    [1, worker(5, 300, 8_192)],
  ]);
  assert.deepEqual(
    new Set(await linesOf(new JoinedMetrics(), workers)),
    new Set([
      'postern_requests_total{listener="api"} 15',
      'postern_connections_open{listener="api"} 4',
      'postern_identity_svid_expiry_timestamp_seconds 300',
      'postern_journal_retained_bytes 8192',
      'postern_config_reloads_total{result="applied"} 5',
      'postern_decision_seconds_count{listener="api"} 15',
      'process_resident_memory_bytes{worker="0"} 10000',
      'process_resident_memory_bytes{worker="1"} 5000',
      'process_resident_memory_bytes{worker="supervisor"} 1',
    ]),
  );
});

test('counters of workers that ended stay in the sum, gauges do not', async () => {
  const joined = new JoinedMetrics();
  await joined.carry(worker(10, 100, 1));
  await joined.carry(worker(7, 100, 1));
  const lines = await linesOf(joined, new Map([[1, worker(1, 300, 1)]]));
  assert.ok(lines.includes('postern_requests_total{listener="api"} 18'), lines.join('\n'));
  assert.ok(lines.includes('postern_decision_seconds_count{listener="api"} 18'));
  assert.ok(lines.includes('postern_connections_open{listener="api"} 2'));
  assert.ok(lines.includes('postern_identity_svid_expiry_timestamp_seconds 300'));
});

test('limits that guard the machine are divided, the port is shared, and the rest stays', () => {
  const config = parse(smallest.replace('policy:', '    limits: { connections: 10, handshakes: 7 }\npolicy:'));
  const [listener] = workerConfig(config, 3).inbound;
  assert.deepEqual([listener!.limits.connections, listener!.limits.handshakes, listener!.reusePort], [4, 3, true]);
  assert.deepEqual(listener!.limits.idleMs, config.inbound[0]!.limits.idleMs);
  assert.equal(workerCount(parse(`${smallest}workers: 3`)), 3);
  assert.ok(workerCount(parse(`${smallest}workers: auto`)) >= 1);
});
