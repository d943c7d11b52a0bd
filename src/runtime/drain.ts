// SIGTERM in order (wire.md "Limits and overload"): not ready at once; still accept, so that callers whose list of
// endpoints is old are served, and tell each to go elsewhere; then accept no more and let what is in flight end.

import { setTimeout as pause } from 'node:timers/promises';

/** What is drained. */
export interface Drainable {
  readonly connectionCount: number;
  /** Each answer says `connection: close` from now on. */
  beginDrain(): void;
  /** Resolves when those who waited to be accepted are, and no more can come. */
  stopAccepting(): Promise<void>;
}

/** Callers may come who do not know yet that they should go elsewhere. */
export interface InboundDrainable extends Drainable {
  /** Milliseconds since somebody was connected; `Infinity` where nobody ever was. */
  readonly unusedMs: number;
}

const pollMs = 20;
/** Without any connection for this long, nobody is coming any more. */
const longestQuietMs = 5_000;
/** Nobody was connected for this long before: nobody is waited for. */
const abandonedMs = 60_000;

/**
 * Resolves when every connection has ended, or `drainMs` is over; true in the first case. `signal` cuts it short. Half of
 * the time at most is spent accepting, and none where nobody has come for a minute.
 */
export async function drain(target: InboundDrainable, drainMs: number, signal: AbortSignal): Promise<boolean> {
  const startedMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedMs;
  target.beginDrain();
  const quietMs = target.unusedMs >= abandonedMs ? 0 : Math.min(longestQuietMs, drainMs / 4);
  let busyMs = startedMs;
  while (!signal.aborted && elapsedMs() < drainMs / 2 && performance.now() - busyMs < quietMs) {
    if (target.connectionCount > 0) busyMs = performance.now();
    await pause(pollMs);
  }
  await target.stopAccepting();
  while (!signal.aborted && elapsedMs() < drainMs && target.connectionCount > 0) await pause(pollMs);
  return target.connectionCount === 0;
}

/**
 * Drains `inbound`, and only then `outbound`: what is answered on the way in may need calls on the way out, to the end.
 * True when all could end within `drainMs`.
 */
export async function drainBothWays(
  { inbound, outbound }: { readonly inbound: InboundDrainable; readonly outbound: Drainable },
  drainMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const untilMs = performance.now() + drainMs;
  const isClean = await drain(inbound, drainMs, signal);
  outbound.beginDrain();
  await outbound.stopAccepting();
  while (!signal.aborted && performance.now() < untilMs && outbound.connectionCount > 0) await pause(pollMs);
  return isClean && outbound.connectionCount === 0;
}
