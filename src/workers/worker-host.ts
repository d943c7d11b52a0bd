// The worker's end of the channel: calls come in, answers go out. Signals that a terminal or systemd sends to every
// process of the group are left to the supervisor. A worker whose supervisor is gone lets its requests end, then ends.

import type { Serializable } from 'node:child_process';
import process from 'node:process';
import { faultData } from './fault-data.ts';
import type { AnswerMessage, CallMessage, WorkerCalls } from './worker-calls.ts';

/** The calls, and what to do when nobody calls any more. */
export interface WorkerRole extends WorkerCalls {
  orphaned(): Promise<void>;
}

/** Serves calls until the worker was stopped, or its supervisor is gone; then ends the process. */
export function serveCalls(role: WorkerRole): void {
  const leave = (): void => process.exit(0);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('message', (message: CallMessage) => {
    void answer(role, message).then((reply) => send(reply, message.name === 'stop' ? leave : null));
  });
  process.once('disconnect', () => void role.orphaned().finally(leave));
}

async function answer(role: WorkerCalls, { id, name, argument }: CallMessage): Promise<AnswerMessage> {
  try {
    const call = role[name] as (argument: unknown) => unknown;
    return { id, kind: 'answer', value: await call(argument) };
  } catch (error) {
    return { id, kind: 'fault', fault: faultData(error) };
  }
}

/** `afterwards` runs whether it could be sent or not. */
function send(reply: AnswerMessage, afterwards: (() => void) | null): void {
  if (!process.connected) return afterwards?.();
  process.send?.(reply as unknown as Serializable, undefined, {}, () => afterwards?.());
}
