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
export function phaseMs(phase: Exclude<ConnectionPhase, 'idle'>, limits: InboundLimits): number {
  switch (phase) {
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

/**
 * Age at which a connection ends after what is under way, milliseconds, or Infinity. Without a certificate anybody gets as far
 * as a connection; a stranger is who showed none, and had no request let through.
 */
export function mostAgeMs(limits: InboundLimits, isStranger: boolean): number {
  return isStranger ? Math.min(limits.headerMs, limits.connectionAgeMs) : limits.connectionAgeMs;
}

/** Milliseconds that a connection of this age may be idle, or Infinity. */
export function idleMs(limits: InboundLimits, isStranger: boolean, ageMs: number): number {
  return isStranger ? Math.min(limits.idleMs, Math.max(0, mostAgeMs(limits, true) - ageMs)) : limits.idleMs;
}
