// Bytes to a receiver that never answers, as syslog over TCP and TLS. What it has read shows only in its closing: it gets
// our end behind the last byte, reads up to there, and closes too. So each delivery has a connection of its own.

import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';

/** How to reach the receiver. */
export interface ClosingDelivery {
  /** Begins to connect. */
  readonly connect: () => Socket;
  /** Says that bytes can be sent: `connect`, or `secureConnect`. */
  readonly connectedEvent: string;
  /** For all of it, milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const leastSettleMs = 10;
const longestSettleMs = 1_000;

/** Resolves when the receiver has read everything and closed; rejects where that is not sure. */
export async function sendAndClose(delivery: ClosingDelivery, bytes: Buffer, ending: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(delivery.timeoutMs)]);
  signal.throwIfAborted();
  const beganMs = delivery.clock.monotonicMs();
  const socket = delivery.connect();
  const stop = (): void => void socket.destroy(new Error('timeout'));
  signal.addEventListener('abort', stop, { once: true });
  const closing = new Promise<void>((resolve) => socket.once('end', resolve));
  const failure = new Promise<never>((_, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  failure.catch(() => {});
  const early = Promise.race([failure, closing.then(() => Promise.reject(new Error('closed before it has read all')))]);
  early.catch(() => {});
  try {
    socket.resume();
    await Promise.race([early, new Promise<void>((resolve) => socket.once(delivery.connectedEvent, () => resolve()))]);
    const roundTripMs = delivery.clock.monotonicMs() - beganMs;
    await Promise.race([early, new Promise<void>((resolve) => socket.write(bytes, () => resolve()))]);
    // One that takes no more connections closes at once, unread: that must not look like the answer to our end.
    await Promise.race([early, pause(Math.min(Math.max(leastSettleMs, 2 * roundTripMs), longestSettleMs))]);
    socket.end();
    await Promise.race([failure, closing]);
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}
