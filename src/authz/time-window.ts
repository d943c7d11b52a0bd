// Recurring windows of time: `Mon-Fri 08:00-18:00 Europe/Berlin`. Days, times, an IANA zone; a window whose end is before
// its start goes over midnight and belongs to the day on which it starts. Without a zone it is no window.

/** A parsed window. */
export interface TimeWindow {
  readonly text: string;
  /** Days on which it starts, Sunday = 0. */
  readonly days: readonly boolean[];
  /** Minutes since local midnight; `to` may be below `from`. Equal: empty. */
  readonly from: number;
  readonly to: number;
  readonly zone: string;
}

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const everyDay: readonly boolean[] = Object.freeze(new Array<boolean>(7).fill(true));
const dayMinutes = 24 * 60;

/** Reads a window, or says what is wrong with it. */
export function parseTimeWindow(text: string): TimeWindow | { readonly fault: string; readonly zoneMissing: boolean } {
  const words = text.trim().split(/ +/);
  const days = daysOf(words[0] ?? '');
  if (days !== undefined) words.shift();
  const times = timesOf(words[0] ?? '');
  if (times !== undefined) words.shift();
  if (days === undefined && times === undefined) {
    return { fault: `\`${text}\` is no time window such as \`Mon-Fri 08:00-18:00 Europe/Berlin\``, zoneMissing: false };
  }
  if (words.length === 0) return { fault: `\`${text}\` names no time zone`, zoneMissing: true };
  const zone = words[0]!;
  if (words.length > 1 || !isZone(zone)) {
    return { fault: `\`${words.join(' ')}\` is no time zone of the IANA database`, zoneMissing: true };
  }
  return Object.freeze({ text, days: days ?? everyDay, zone, ...(times ?? { from: 0, to: dayMinutes }) });
}

function daysOf(text: string): readonly boolean[] | undefined {
  const days = new Array<boolean>(7).fill(false);
  for (const part of text.toLowerCase().split(',')) {
    const [from, to, more] = part.split('-').map((name) => dayNames.indexOf(name));
    if (from === undefined || from < 0 || to === -1 || more !== undefined) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      days[day] = true;
      if (day === (to ?? from)) break;
    }
  }
  return Object.freeze(days);
}

function timesOf(text: string): { readonly from: number; readonly to: number } | undefined {
  const match = /^(\d{2}):(\d{2})-(\d{2}):(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [fromHour, fromMinute, toHour, toMinute] = match.slice(1).map(Number) as [number, number, number, number];
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  const valid = fromHour < 24 && fromMinute < 60 && toMinute < 60 && to <= dayMinutes;
  return valid ? { from, to } : undefined;
}

function isZone(name: string): boolean {
  // An offset such as `+02:00` is accepted by Intl, but says nothing of summer time; `UTC` is a name.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** True if the wall clock of the zone, `localMs` since a local epoch, is inside the window. */
export function isInWindow(window: TimeWindow, localMs: number): boolean {
  const minute = Math.floor(localMs / 60_000);
  const ofDay = ((minute % dayMinutes) + dayMinutes) % dayMinutes;
  // The epoch was a Thursday.
  const day = (((Math.floor(minute / dayMinutes) + 4) % 7) + 7) % 7;
  const { from, to, days } = window;
  if (from <= to) return days[day]! && ofDay >= from && ofDay < to;
  return ofDay >= from ? days[day]! : ofDay < to && days[(day + 6) % 7]!;
}

/** Milliseconds that the wall clock of `zone` is ahead of UTC at `timeMs`. */
export function zoneOffsetMs(format: Intl.DateTimeFormat, timeMs: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(timeMs)) parts[type] = Number(value);
  const { year, month, day, hour, minute, second } = parts as Record<string, number>;
  const wall = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  return wall - Math.floor(timeMs / 1000) * 1000;
}

/** What `zoneOffsetMs` needs; made once a zone, for it costs tens of microseconds. */
export function zoneFormat(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}
