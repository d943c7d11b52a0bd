// Times of certificates as text.

/** RFC 3339 UTC of milliseconds since the epoch; times beyond what a Date holds are told as such. */
export function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'out of range' : date.toISOString();
}
