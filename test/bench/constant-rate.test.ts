import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { runConstantRate } from '../../bench/load/constant-rate.ts';

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A workload that answers at once, but for `stallMs` of each second when it answers nothing. */
async function startWorkload(stallMs: number) {
  let requestCount = 0;
  let stallUntil = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.setNoDelay(true).on('data', () => {
      requestCount += 1;
      if (requestCount === 600) stallUntil = performance.now() + stallMs;
      setTimeout(() => socket.write(answer), Math.max(stallUntil - performance.now(), 0));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { port: address.port, requestCount: () => requestCount, close: () => server.close() };
}

async function run(port: number) {
  return runConstantRate({
    kind: 'constant-rate',
    target: { host: '127.0.0.1', port, tls: null },
    pids: [process.pid],
    connectionCount: 8,
    ratePerS: 1000,
    warmupMs: 200,
    measureMs: 1000,
  });
}

describe('constant rate', () => {
  it('keeps its rate and sends every request that was due', async () => {
    const workload = await startWorkload(0);
    const result = await run(workload.port);
    workload.close();
    assert.equal(workload.requestCount(), 1200);
    assert.equal(result.requestCount, 1000);
    assert.ok(Math.abs(result.ratePerS - 1000) < 100, `${result.ratePerS} requests a second`);
    assert.ok(result.p50Ms > 0 && result.p50Ms < 50, `p50 ${result.p50Ms} ms`);
    assert.ok(result.p50Ms <= result.p99Ms && result.p99Ms <= result.p999Ms && result.p999Ms <= result.maxMs);
    assert.ok(result.cpuUsPerRequest > 0);
  });

  it('counts a stall for all requests that it held up, not only for those in flight', async () => {
    const workload = await startWorkload(300);
    const result = await run(workload.port);
    workload.close();
    // 300 of 1,000 requests were due during the stall: latencies from 300 ms downwards. A client that counts from the
    // moment of sending would see 8 slow ones, and no more than 5 ms at the 99th percentile.
    assert.ok(result.p99Ms > 200, `p99 ${result.p99Ms} ms`);
    assert.ok(result.p50Ms < 200, `p50 ${result.p50Ms} ms`);
  });
});
