// What a usual sidecar does in a day, and how it is shared out to the hours of a soak. The counts are those of a day; only the
// pauses between them are shorter.

/** Counts of one hour of the day. */
export interface HourQuota {
  readonly requests: number;
  readonly connections: number;
  /** Milliseconds that it is to take. */
  readonly durationMs: number;
}

/** Requests a second over a whole day, nights included, of one service among many. */
export const usualRequestsPerS = 10;
/** Requests for each new connection: callers keep theirs, but they are many and come and go. */
export const requestsPerConnection = 50;
export const hoursOfDay = 24;

/** The counts of each hour when `minutes` stand for a day of `requestsPerS` on average. */
export function quotaOf(minutes: number, requestsPerS: number): HourQuota {
  const requests = Math.round(requestsPerS * 3600);
  return {
    requests,
    connections: Math.round(requests / requestsPerConnection),
    durationMs: (minutes * 60_000) / hoursOfDay,
  };
}
