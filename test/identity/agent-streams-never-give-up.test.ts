// The life of one stream, with calls that come late, twice, or never: what a socket must not do is what a test can.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentStream,
  type AgentStreamOptions,
  agentStreamDefaults,
} from '../../src/identity/workload-api/agent-stream.ts';
import { ManualClock } from '../../src/lib/clock.ts';

type Listener = Parameters<AgentStreamOptions['open']>[1];

function stream() {
  const calls: { readonly listener: Listener; isClosed: boolean }[] = [];
  const messages: string[] = [];
  const retries: number[] = [];
  const clock = new ManualClock(0);
  const subject = new AgentStream({
    name: 'x509_svid',
    method: '/SpiffeWorkloadAPI/FetchX509SVID',
    agent: 'the agent',
    caller: { pid: 1, uid: 2, gid: 3 },
    timings: agentStreamDefaults,
    clock,
    random: () => 0,
    open: (_, listener) => {
      const call = { listener, isClosed: false };
      calls.push(call);
      return {
        close: () => {
          call.isClosed = true;
        },
      };
    },
    onMessage: (message) => messages.push(Buffer.from(message).toString()),
    onFault: (_, retryMs) => retries.push(retryMs),
  });
  return { subject, calls, messages, retries, clock };
}

const lost = { kind: 'lost', code: 'closed' } as const;

test('a call that was left for another speaks no more', (t) => {
  const { subject, calls, messages, retries } = stream();
  t.after(() => subject.close());
  subject.restart();
  subject.restart();
  assert.deepEqual(
    calls.map((call) => call.isClosed),
    [true, false],
  );
  calls[0]!.listener.onMessage(Buffer.from('old'));
  calls[0]!.listener.onEnd(lost);
  calls[1]!.listener.onMessage(Buffer.from('new'));
  assert.deepEqual([messages, retries], [['new'], []]);
  assert.equal(subject.status.isUp, true);
});

test('an end that comes twice counts once', (t) => {
  const { subject, calls, retries } = stream();
  t.after(() => subject.close());
  subject.restart();
  calls[0]!.listener.onEnd(lost);
  calls[0]!.listener.onEnd(lost);
  assert.equal(retries.length, 1);
  assert.deepEqual([...subject.status.failures], [['ended', 1]]);
});

test('waits grow up to their bound, and begin anew once a stream has stood for a while', (t) => {
  const { subject, calls, retries, clock } = stream();
  t.after(() => subject.close());
  const round = (stoodMs: number): void => {
    subject.restart();
    const { listener } = calls.at(-1)!;
    listener.onMessage(Buffer.from('x'));
    clock.advance(stoodMs);
    listener.onEnd(lost);
  };
  for (let at = 0; at < 7; at++) round(0);
  assert.deepEqual(retries, [250, 500, 1000, 2000, 4000, 7500, 7500]);
  round(agentStreamDefaults.settledMs);
  assert.equal(retries.at(-1), 250);
});

test('what the standard calls final is asked again after minutes', (t) => {
  const { subject, calls, retries } = stream();
  t.after(() => subject.close());
  subject.restart();
  calls[0]!.listener.onEnd({ kind: 'status', code: 12, message: '' });
  assert.deepEqual(retries, [agentStreamDefaults.finalRetryMs]);
});

test('a closed stream opens nothing more, and hears nothing more', () => {
  const { subject, calls, messages, retries } = stream();
  subject.restart();
  subject.close();
  subject.restart();
  calls[0]!.listener.onMessage(Buffer.from('late'));
  calls[0]!.listener.onEnd(lost);
  assert.deepEqual([calls.length, messages, retries], [1, [], []]);
});
