// The phases of a peer's connection, and how long each may last.

import type { InboundLimits } from './inbound-options.ts';

/**
 * `idle` between requests, `head` while a head arrives, `exchange` while one is served, `tunnel` once one has
 * become a WebSocket, `lingering` after the last answer,
 * so that a peer who still sends gets to read it (RFC 9112 §9.6), `closed`.
 */
export type ConnectionPhase = 'idle' | 'head' | 'exchange' | 'tunnel' | 'lingering' | 'closed';

/** Time for a peer to take the last answer, as long as it moves, and to close. */
export const lingerMs = 2_000;

/** Milliseconds, or Infinity. */
export function phaseMs(phase: ConnectionPhase, limits: InboundLimits): number {
  switch (phase) {
    case 'idle':
      return limits.idleMs;
    case 'head':
      return limits.headerMs;
    case 'exchange':
      return limits.requestMs;
    case 'tunnel':
      // It has its own limit, by what moves in it.
      return Number.POSITIVE_INFINITY;
    default:
      return lingerMs;
  }
}
