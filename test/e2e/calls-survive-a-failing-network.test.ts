// The way to a peer fails in turn: reset, silent, cut anywhere, the peer breaking off. No wrong answer, no unsafe request twice, no
// hang. `npm run soak:calls` does the same for minutes, with a sidecar on both ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsInChaos } from '../harness/chaos-world.ts';
import { waitFor } from '../harness/wait-for.ts';

test('whatever happens on the way, a call is answered rightly or told why not, and none that is unsafe arrives twice', async (t) => {
  const { calls, world } = await callsInChaos(t, {
    seed: Number(process.env['POSTERN_CHAOS_SEED'] ?? 7),
    steps: [[], ['reset'], ['pass', 'reset', 'swallow'], ['reset', 'reset', 'reset']],
    stepMs: 200,
    stepCalls: 30,
    senders: 6,
    cutShare: 0.3,
    brokenShare: 0.08,
    isBothWays: false,
  });
  assert.deepEqual(calls.faults, []);
  // The chaos took place, and calls went on in it.
  for (const end of ['answered', 'told'] as const) assert.ok(calls.ends[end] > 10, JSON.stringify(calls.ends));
  await waitFor('all requests to be over', async () => (await world.client.metric('postern_requests_in_flight')) === 0);
});
