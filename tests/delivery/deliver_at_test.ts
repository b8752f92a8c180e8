/** When a scheduled notification is delivered, around every odd hour of a time zone. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isTimeZone } from "../../core/time_zone.ts";
import { isLocalTime, MAX_SCHEDULE_MS, resolveDeliverAt } from "../../delivery/deliver_at.ts";

const NOW = Date.parse("2026-03-20T12:00:00Z");
const BERLIN = "Europe/Berlin";

function resolved(at: Parameters<typeof resolveDeliverAt>[0], now = NOW, timeZone = BERLIN) {
  const time = resolveDeliverAt(at, { now, timeZone });
  return time.ok ? new Date(time.atMs).toISOString() : time.why;
}

Deno.test("an instant is taken with its offset", () => {
  assert.equal(resolved("2026-03-21T08:00:00+02:00"), "2026-03-21T06:00:00.000Z");
});

Deno.test("a time in the past, or the present moment, is refused", () => {
  assert.equal(resolved("2026-03-20T12:00:00Z"), "is in the past");
  assert.equal(resolved({ local: "2026-03-20T12:59" }), "is in the past");
});

Deno.test("30 days ahead are taken, and a millisecond more is not", () => {
  const last = new Date(NOW + MAX_SCHEDULE_MS).toISOString();
  assert.equal(resolved(last), last);
  const late = new Date(NOW + MAX_SCHEDULE_MS + 1).toISOString();
  assert.equal(resolved(late), "is more than 30 days ahead");
  assert.equal(resolved({ local: "2026-04-20T12:00" }), "is more than 30 days ahead");
});

Deno.test("a time of day is the next one in the user's zone, today or tomorrow", () => {
  assert.equal(resolved({ local: "13:01" }), "2026-03-20T12:01:00.000Z");
  assert.equal(resolved({ local: "13:00" }), "2026-03-21T12:00:00.000Z");
  assert.equal(resolved({ local: "08:00", timeZone: "Asia/Tokyo" }), "2026-03-20T23:00:00.000Z");
});

Deno.test("an hour that daylight saving skips is moved to after the gap", () => {
  assert.equal(resolved({ local: "2026-03-29T02:30" }), "2026-03-29T01:30:00.000Z");
  const before = Date.parse("2026-03-28T20:00:00Z");
  assert.equal(resolved({ local: "02:30" }, before), "2026-03-29T01:30:00.000Z");
});

Deno.test("of an hour that daylight saving repeats the earlier is taken", () => {
  const now = Date.parse("2026-10-20T12:00:00Z");
  assert.equal(resolved({ local: "2026-10-25T02:30" }, now), "2026-10-25T00:30:00.000Z");
  // Once the first has passed, the next day's is the next one.
  const between = Date.parse("2026-10-25T00:45:00Z");
  assert.equal(resolved({ local: "02:30" }, between), "2026-10-26T01:30:00.000Z");
});

Deno.test("zones and local times that do not exist are told from those that do", () => {
  for (const zone of ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"]) {
    assert.ok(isTimeZone(zone), zone);
  }
  for (const zone of ["", "Mars/Olympus", "+01:00", "../../etc", "Europe/Berlin\u0000"]) {
    assert.ok(!isTimeZone(zone), zone);
  }
  for (const text of ["00:00", "23:59", "2028-02-29T08:00"]) assert.ok(isLocalTime(text), text);
  for (const text of ["24:00", "8:00", "08:60", "2026-02-29T08:00", "08:00:00", "T08:00"]) {
    assert.ok(!isLocalTime(text), text);
  }
});

Deno.test("every time of day is found within 49 hours, and shows on the user's clock or after a gap", () => {
  const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];
  fc.assert(fc.property(
    fc.integer({ min: NOW, max: NOW + 366 * 86_400_000 }),
    fc.integer({ min: 0, max: 1439 }),
    fc.constantFrom(...zones),
    (now, minutes, timeZone) => {
      const digits = (n: number) => String(n).padStart(2, "0");
      const local = `${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
      const time = resolveDeliverAt({ local }, { now, timeZone });
      assert.ok(time.ok);
      assert.ok(time.atMs > now && time.atMs <= now + 49 * 3_600_000);
      const shown = Temporal.Instant.fromEpochMilliseconds(time.atMs).toZonedDateTimeISO(timeZone);
      const late = (shown.hour * 60 + shown.minute) - minutes;
      assert.ok(late === 0 || late === 60 || late === 30, `${local} in ${timeZone}: ${late}`);
    },
  ));
});
