// An open WebSocket lives as long as its right, its limits and its sidecar: policy, certificate, bundle, idleness, drain.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openPolicy } from '../harness/mesh.ts';
import { journalRecords } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { closedWith, nextMessage, opened, WebSocketWorld } from '../harness/websocket-world.ts';

const audit = 'spiffe://prod.acme.com/ns/audit/api';

interface Line {
  readonly type: string;
  readonly decision_id: string;
  readonly reason?: string;
  readonly decision?: string;
  readonly principal?: { readonly workload_id: string };
  readonly correlation?: { readonly connection_id: string };
  readonly outcome?: { readonly result: string; readonly detail?: string };
}

const lines = (world: WebSocketWorld): Line[] => journalRecords(world.mesh.journalDir) as unknown as Line[];

async function answersStill(socket: import('ws').WebSocket): Promise<void> {
  socket.send('still there?');
  assert.equal((await nextMessage(socket)).data.toString(), 'still there?');
}

describe('an open WebSocket', { concurrency: 3 }, () => {
  test('lives as its policy says', async (t) => {
    const world = await WebSocketWorld.create(t);
    world.echo();

    await t.test('a policy that goes on allowing leaves it open and unrecorded', async () => {
      const socket = world.connect();
      await opened(socket);
      const decisions = await world.sidecar.metric('postern_decisions_total');
      writeFileSync(world.mesh.policyFile, openPolicy.replace('name: all', 'name: renamed'));
      await waitFor('the new policy', async () => (await world.sidecar.admin('/policy')).body.includes('renamed'));
      await waitFor(
        'the rule to fire again',
        async () => (await world.sidecar.metric('postern_policy_unused_rules')) === 0,
      );
      await answersStill(socket);
      assert.equal(await world.sidecar.metric('postern_decisions_total'), decisions);
      socket.close();
    });

    await t.test('a policy that would deny the upgrade now ends it, and nobody else’s', async () => {
      const revoked = world.connect({ credentials: await world.mesh.caller(audit) });
      const kept = world.connect();
      await Promise.all([opened(revoked), opened(kept)]);
      const closed = closedWith(revoked);
      writeFileSync(world.mesh.policyFile, openPolicy.replace('prod.acme.com/**', 'prod.acme.com/ns/payments/**'));
      assert.equal((await closed).code, 1006, 'nothing was written into the tunnel');
      await answersStill(kept);
      const first = lines(world).find((one) => one.principal?.workload_id === audit)!;
      const denied = await waitFor('the record', () => lines(world).find((one) => one.reason === 'reauth_revoked'));
      assert.equal(denied.decision, 'deny');
      assert.equal(denied.principal?.workload_id, audit);
      assert.equal(denied.correlation?.connection_id, first.correlation?.connection_id);
      const end = await waitFor('the outcome', () =>
        lines(world).find((one) => one.type === 'outcome' && one.decision_id === first.decision_id),
      );
      assert.equal(end.outcome?.result, 'revoked');
      kept.close();
    });

    await t.test('a rule that ends with time ends it', async () => {
      const socket = world.connect();
      await opened(socket);
      const until = new Date(Date.now() + 3_000).toISOString();
      writeFileSync(world.mesh.policyFile, `${openPolicy}      conditions: ['request.time < "${until}"']\n`);
      await closedWith(socket);
      assert.ok(Date.now() >= Date.parse(until));
      const endedInTime = ({ reason, principal }: Line): boolean =>
        reason === 'reauth_revoked' && principal?.workload_id !== audit;
      await waitFor('the record', () => lines(world).find(endedInTime));
    });
  });

  test('a certificate that expires ends it, with the reason on record', async (t) => {
    const world = await WebSocketWorld.create(t);
    world.echo();
    const short = world.connect({ credentials: await world.mesh.caller(audit, 8_000) });
    const kept = world.connect();
    await Promise.all([opened(short), opened(kept)]);
    await closedWith(short);
    await waitFor('the record', () => lines(world).find((one) => one.reason === 'reauth_revoked'));
    await waitFor('the outcome', () => lines(world).find((one) => one.outcome?.result === 'revoked'));
    await answersStill(kept);
    kept.close();
  });

  test('a quiet one outlives every limit of requests, and ends by its own', async (t) => {
    const limits =
      'limits: { idle: 300ms, request: 300ms, connection_age: 1s, upstream_response: 300ms, websocket_idle: 2500ms }';
    const world = await WebSocketWorld.create(t, { inbound: `    ${limits}\n` });
    world.echo();
    const socket = world.connect();
    await opened(socket);
    await answersStill(socket);
    const quietMs = performance.now();
    await closedWith(socket);
    assert.ok(performance.now() - quietMs >= 2_400, 'not before its limit');
    assert.equal(await world.sidecar.metric('postern_limits_met_total', { limit: 'websocket_idle' }), 1);
    await waitFor('the outcome', () => lines(world).find((one) => one.outcome?.result === 'limit'));
  });

  test('a drain leaves it open until its deadline, writes nothing into it, and says so on record', async (t) => {
    const world = await WebSocketWorld.create(t);
    world.echo();
    const socket = world.connect();
    await opened(socket);
    const closed = closedWith(socket);
    const startedMs = performance.now();
    world.sidecar.signal('SIGTERM');
    await waitFor('the drain', () => /drain/i.test(world.sidecar.stderr));
    await answersStill(socket);
    assert.equal((await closed).code, 1006);
    assert.ok(performance.now() - startedMs >= 1_900, 'the deadline of 2 s is its own');
    assert.equal((await world.sidecar.ended()).code, 0);
    assert.ok(lines(world).some((one) => one.outcome?.result === 'drained'));
  });
});
