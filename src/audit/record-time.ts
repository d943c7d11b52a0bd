// HOT PATH (bench/audit.bench.ts). RFC 3339 times in UTC with microseconds; the text of a second is made once.

/** Microseconds since the Unix epoch as a record writes them; null for none. */
export function timeText(timeUs: number | undefined): string | null {
  if (timeUs === undefined) return null;
  const ms = Math.floor(timeUs / 1000);
  const micros = String(Math.floor(timeUs) - ms * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${micros}Z`);
}

/** Writes times; keeps the text of the last second. */
export class RecordTime {
  #second = -1;
  #prefix = '';

  /** `2026-11-22T10:00:00.000123Z` for microseconds since the Unix epoch. */
  text(timeUs: number): string {
    const second = Math.floor(timeUs / 1_000_000);
    if (second !== this.#second) this.#turn(second);
    const micros = Math.floor(timeUs) - second * 1_000_000;
    // 1_000_000 + micros has a leading 1 and exactly six digits behind it.
    return `${this.#prefix}${`${1_000_000 + micros}`.slice(1)}Z`;
  }

  #turn(second: number): void {
    if (!(second >= 0 && second < 253_402_300_800)) throw new RangeError('time outside of the years 1970 to 9999');
    this.#second = second;
    this.#prefix = `${new Date(second * 1000).toISOString().slice(0, 19)}.`;
  }
}
