import assert from "node:assert/strict";
import { isTimeSpan, quietUntil } from "../../core/quiet_hours.ts";

function until(now: string, times: readonly string[], timeZone = "Europe/Berlin") {
  const end = quietUntil({ times, timeZone }, Date.parse(now));
  return end === undefined ? "not quiet" : new Date(end).toISOString();
}

Deno.test("quiet hours begin with their first minute and end before their last", () => {
  const times = ["12:00-13:30"];
  assert.equal(until("2026-01-05T10:59:59.999Z", times), "not quiet");
  assert.equal(until("2026-01-05T11:00:00Z", times), "2026-01-05T12:30:00.000Z");
  assert.equal(until("2026-01-05T12:29:59.999Z", times), "2026-01-05T12:30:00.000Z");
  assert.equal(until("2026-01-05T12:30:00Z", times), "not quiet");
});

Deno.test("quiet hours across midnight end on the next morning, from either side", () => {
  const times = ["22:00-07:00"];
  assert.equal(until("2026-01-05T21:00:00Z", times), "2026-01-06T06:00:00.000Z");
  assert.equal(until("2026-01-06T02:00:00Z", times), "2026-01-06T06:00:00.000Z");
  assert.equal(until("2026-01-06T06:00:00Z", times), "not quiet");
});

Deno.test("spans that follow one another are one, and the whole day ends at some time", () => {
  const times = ["22:00-24:00", "00:00-06:00", "06:00-07:00"];
  assert.equal(until("2026-01-05T22:00:00Z", times), "2026-01-06T06:00:00.000Z");
  assert.ok(until("2026-01-05T22:00:00Z", ["00:00-12:00", "12:00-24:00"]) > "2026-01-06");
});

Deno.test("the user's own zone counts", () => {
  assert.equal(
    until("2026-01-05T13:00:00Z", ["22:00-07:00"], "Asia/Tokyo"),
    "2026-01-05T22:00:00.000Z",
  );
  assert.equal(until("2026-01-05T13:00:00Z", ["22:00-07:00"], "UTC"), "not quiet");
});

Deno.test("an end that daylight saving skips is after the gap, and a night with it is shorter", () => {
  assert.equal(until("2026-03-28T22:00:00Z", ["22:00-02:30"]), "2026-03-29T01:30:00.000Z");
  assert.equal(until("2026-03-28T22:00:00Z", ["22:00-07:00"]), "2026-03-29T05:00:00.000Z");
});

Deno.test("in an hour that is repeated quiet hours end once", () => {
  const times = ["02:00-02:30"];
  assert.equal(until("2026-10-25T00:10:00Z", times), "2026-10-25T00:30:00.000Z");
  assert.equal(until("2026-10-25T01:10:00Z", times), "not quiet");
});

Deno.test("only spans with a length and hours that exist are spans", () => {
  for (const text of ["00:00-24:00", "22:00-07:00", "00:00-00:01"]) {
    assert.ok(isTimeSpan(text), text);
  }
  for (const text of ["", "22:00", "24:00-07:00", "7:00-8:00", "08:00-08:00", "22:00-07:60"]) {
    assert.ok(!isTimeSpan(text), text);
  }
});
