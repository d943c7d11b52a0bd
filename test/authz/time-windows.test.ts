import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInWindow, parseTimeWindow, type TimeWindow, zoneFormat, zoneOffsetMs } from '../../src/authz/time-window.ts';
import { ZoneClock } from '../../src/authz/zone-clock.ts';

function window(text: string): TimeWindow {
  const parsed = parseTimeWindow(text);
  assert.ok(!('fault' in parsed), `\`${text}\` does not parse`);
  return parsed;
}

function holds(text: string, time: string): boolean {
  const parsed = window(text);
  return isInWindow(parsed, new ZoneClock(parsed.zone).localMs(Date.parse(time)));
}

const office = 'Mon-Fri 08:00-18:00 Europe/Berlin';
const table: readonly (readonly [string, string, boolean])[] = [
  [office, '2026-01-05T07:00:00Z', true],
  [office, '2026-01-05T06:59:59Z', false],
  [office, '2026-01-05T16:59:59Z', true],
  [office, '2026-01-05T17:00:00Z', false],
  // Summer time: 08:00 is 06:00 UTC.
  [office, '2026-07-06T06:00:00Z', true],
  [office, '2026-07-06T05:59:59Z', false],
  // The days on which the clocks change, a Sunday.
  ['Sun 03:00-04:00 Europe/Berlin', '2026-03-29T01:00:00Z', true],
  ['Sun 02:00-03:00 Europe/Berlin', '2026-03-29T01:00:00Z', false],
  ['Sun 02:00-03:00 Europe/Berlin', '2026-10-25T00:30:00Z', true],
  ['Sun 02:00-03:00 Europe/Berlin', '2026-10-25T01:30:00Z', true],
  [office, '2026-01-04T10:00:00Z', false],
  ['Fri 22:00-06:00 UTC', '2026-01-02T23:00:00Z', true],
  ['Fri 22:00-06:00 UTC', '2026-01-03T05:59:00Z', true],
  ['Fri 22:00-06:00 UTC', '2026-01-03T06:00:00Z', false],
  ['Fri 22:00-06:00 UTC', '2026-01-02T05:00:00Z', false],
  ['Sat-Mon 00:00-24:00 UTC', '2026-01-05T23:59:00Z', true],
  ['Sat-Mon UTC', '2026-01-06T00:00:00Z', false],
  ['Mon,Wed 09:00-10:00 Asia/Kathmandu', '2026-01-07T03:15:00Z', true],
  ['09:00-10:00 Asia/Kathmandu', '2026-01-08T03:14:59Z', false],
  ['12:00-12:00 UTC', '2026-01-08T12:00:00Z', false],
  ['Thu UTC', '1970-01-01T00:00:00Z', true],
  ['Wed 23:00-24:00 UTC', '1969-12-31T23:30:00Z', true],
];

for (const [text, time, expected] of table) {
  test(`\`${text}\` ${expected ? 'holds' : 'does not hold'} at ${time}`, () =>
    assert.equal(holds(text, time), expected));
}

for (const text of [
  'Mon-Fri 08:00-18:00',
  '08:00-18:00',
  'Mon 08:00-18:00 Nowhere/Town',
  'Mon 08:00-18:00 +02:00',
  'Mon UTC extra',
]) {
  test(`\`${text}\` names no zone and is refused`, () => {
    const parsed = parseTimeWindow(text);
    assert.ok('fault' in parsed && parsed.zoneMissing);
  });
}

for (const text of [
  '',
  'always UTC',
  '8-18 UTC',
  '24:00-25:00 UTC',
  '08:60-09:00 UTC',
  'Mon-Xyz 08:00-09:00 UTC',
  'Mon-Tue-Wed UTC',
  '08:00-24:01 UTC',
]) {
  test(`\`${text}\` is no window`, () => assert.ok('fault' in parseTimeWindow(text)));
}

test('the kept offset is the true one at every quarter of an hour of a year in zones with odd offsets', () => {
  for (const zone of ['Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Chatham']) {
    const clock = new ZoneClock(zone);
    const format = zoneFormat(zone);
    for (let timeMs = Date.UTC(2026, 2, 1); timeMs < Date.UTC(2026, 10, 15); timeMs += 47 * 60_000 + 13_000) {
      assert.equal(clock.localMs(timeMs), timeMs + zoneOffsetMs(format, timeMs));
    }
  }
});
