import assert from "node:assert/strict";
import fc from "fast-check";
import { retryAfterMs } from "../../../transports/http/retry_after.ts";

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
const FLOOR = { floorMs: 1000 };

Deno.test("retryAfterMs() reads seconds", () => {
  assert.equal(retryAfterMs(" 30 ", NOW, FLOOR), 30_000);
});

Deno.test("retryAfterMs() reads all three forms of an HTTP date", () => {
  for (
    const date of [
      "Thu, 01 Jan 2026 12:01:00 GMT",
      "Thursday, 01-Jan-26 12:01:00 GMT",
      "Thu Jan  1 12:01:00 2026",
    ]
  ) assert.equal(retryAfterMs(date, NOW, FLOOR), 60_000, date);
});

Deno.test("retryAfterMs() takes the floor for a missing, past, shorter or unreadable value", () => {
  for (const header of [null, "", "0", "-5", "soon", "7.5", "Thu, 01 Jan 2026 11:00:00 GMT"]) {
    assert.equal(retryAfterMs(header, NOW, FLOOR), 1000, String(header));
  }
});

Deno.test("retryAfterMs() accepts a wait of an hour at most from the header", () => {
  assert.equal(retryAfterMs("86400", NOW, FLOOR), 3_600_000);
  assert.equal(retryAfterMs("86400", NOW, { floorMs: 0, capMs: 5000 }), 5000);
});

Deno.test("retryAfterMs() prefers a floor above the cap", () => {
  assert.equal(retryAfterMs("1", NOW, { floorMs: 9000, capMs: 5000 }), 9000);
});

Deno.test("retryAfterMs() is within its bounds for any header", () => {
  fc.assert(fc.property(fc.string(), fc.nat(), (header, nowMs) => {
    const wait = retryAfterMs(header, nowMs, FLOOR);
    assert.ok(wait >= 1000 && wait <= 3_600_000);
  }));
});
