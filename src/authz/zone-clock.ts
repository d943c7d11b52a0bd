// HOT PATH (bench/policy.bench.ts). The wall clock of a time zone. Asking Intl costs microseconds, so the offset is kept
// for a quarter of an hour: no zone of the database changes its offset within one, counted from the full hour UTC.

import { zoneFormat, zoneOffsetMs } from './time-window.ts';

const slotMs = 15 * 60_000;

export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;
  #slot = Number.NaN;
  #offsetMs = 0;

  constructor(zone: string) {
    this.#format = zoneFormat(zone);
  }

  /** Milliseconds since the epoch as the zone's wall clock shows them. */
  localMs(timeMs: number): number {
    const slot = Math.floor(timeMs / slotMs);
    if (slot !== this.#slot) {
      this.#offsetMs = zoneOffsetMs(this.#format, slot * slotMs);
      this.#slot = slot;
    }
    return timeMs + this.#offsetMs;
  }
}
