// How long an idle connection to the workload may be kept.

import type { FieldList } from '../wire/field-list.ts';

/** Idle time granted to a workload that does not say how long it keeps a connection: below Node's default of 5 s. */
export const assumedKeepAliveMs = 4_000;

/** `Keep-Alive: timeout=N`, less a second so that we let go first: a request on a closing connection would be lost. */
export function announcedKeepAliveMs(fields: FieldList): number | null {
  const value = fields.get('keep-alive');
  if (value === undefined) return null;
  const at = value.indexOf('timeout=');
  if (at < 0) return null;
  const seconds = Number.parseInt(value.slice(at + 8), 10);
  return Number.isSafeInteger(seconds) && seconds >= 0 ? Math.max(0, Math.min(seconds, 300) * 1000 - 1000) : null;
}
