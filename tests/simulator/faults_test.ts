import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { createFaults } from "../../simulator/faults.ts";
import { FakeClock } from "../support/fake_clock.ts";

function kinds(faults: ReturnType<typeof createFaults>, token: string, count: number) {
  return Array.from({ length: count }, () => faults.decide("apn", token).does.kind);
}

Deno.test("'500 twice' answers twice and then ends", () => {
  const faults = createFaults(new FakeClock());
  faults.set({ provider: "apn", token: "a", script: "500 twice" });
  assert.deepEqual(kinds(faults, "a", 4), ["answer", "answer", "ok", "ok"]);
});

Deno.test("'429 for 3 s' counts from the first request and returns the remaining time", async () => {
  const clock = new FakeClock();
  const faults = createFaults(clock);
  faults.set({ provider: "apn", token: "a", script: "429 for 3 s" });
  await clock.advance(10_000);
  assert.equal(faults.decide("apn", "a").retryAfterSeconds, 3);
  await clock.advance(1500);
  assert.equal(faults.decide("apn", "a").retryAfterSeconds, 2);
  await clock.advance(1500);
  assert.equal(faults.decide("apn", "a").does.kind, "ok");
});

Deno.test("each token runs through its script on its own", () => {
  const faults = createFaults(new FakeClock());
  assert.deepEqual(kinds(faults, "fault:gone-once:a", 2), ["gone", "ok"]);
  assert.deepEqual(kinds(faults, "fault:gone-once:b", 2), ["gone", "ok"]);
});

Deno.test("a script for every token of a provider precedes the token's own", () => {
  const faults = createFaults(new FakeClock());
  faults.set({ provider: "apn", token: "*", script: "hang" });
  assert.deepEqual(kinds(faults, "fault:gone:a", 1), ["hang"]);
  assert.equal(faults.decide("wns", "a").does.kind, "ok");
  faults.set({ provider: "apn", token: "*", script: "" });
  assert.deepEqual(kinds(faults, "fault:gone:a", 1), ["gone"]);
});

Deno.test("an invalid script is refused when it is set", () => {
  const faults = createFaults(new FakeClock());
  assert.throws(
    () => faults.set({ provider: "apn", token: "a", script: "explode" }),
    (error) => error instanceof ServiceError && error.code === "invalid_request",
  );
});

Deno.test("an invalid script in a token is answered with 400", () => {
  const faults = createFaults(new FakeClock());
  assert.deepEqual(faults.decide("apn", "fault:explode:a").does, {
    kind: "answer",
    status: 400,
    reason: "BadFaultScript",
  });
});

Deno.test("clearing removes scripts and their progress", () => {
  const faults = createFaults(new FakeClock());
  faults.set({ provider: "apn", token: "a", script: "gone" });
  faults.clear();
  assert.deepEqual(faults.list(), []);
  assert.deepEqual(kinds(faults, "a", 1), ["ok"]);
});
