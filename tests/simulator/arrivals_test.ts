import assert from "node:assert/strict";
import { type Arrivals, createArrivals } from "../../simulator/arrivals.ts";

function book(keep: number) {
  return createArrivals({ now: () => 1000, keep });
}

function arrive(arrivals: Arrivals, token: string, status = 200) {
  arrivals.add({ provider: "apn", token, status, headers: {} }, () => token);
}

function tokens(arrivals: Arrivals) {
  return arrivals.list().map(({ token }) => token);
}

Deno.test("only the last arrivals are kept, oldest first", () => {
  const arrivals = book(3);
  for (const token of ["a", "b", "c", "d", "e"]) arrive(arrivals, token);
  assert.deepEqual(tokens(arrivals), ["c", "d", "e"]);
  assert.deepEqual(arrivals.counts(), { apn: { accepted: 5, refused: 0 } });
});

Deno.test("numbers go on after a clearing", () => {
  const arrivals = book(3);
  for (const token of ["a", "b"]) arrive(arrivals, token);
  arrivals.clear();
  for (const token of ["c", "d", "e", "f"]) arrive(arrivals, token);
  assert.deepEqual(tokens(arrivals), ["d", "e", "f"]);
  assert.deepEqual(arrivals.list().map(({ sequence }) => sequence), [4, 5, 6]);
  assert.deepEqual(arrivals.list({ after: 5 }).map(({ token }) => token), ["f"]);
});

Deno.test("where only counts are wanted, payloads are not even asked for", () => {
  const arrivals = book(0);
  arrivals.add({ provider: "wns", token: "a", status: 410, headers: {} }, () => {
    throw new Error("asked for");
  });
  assert.deepEqual(arrivals.counts(), { wns: { accepted: 0, refused: 1 } });
  assert.deepEqual(arrivals.list(), []);
});

Deno.test("a request that hangs is neither accepted nor forgotten", () => {
  const arrivals = book(3);
  arrive(arrivals, "a", 0);
  assert.equal(arrivals.list({ accepted: true }).length, 0);
  assert.equal(arrivals.list({ accepted: false }).length, 1);
});

Deno.test("wait() resolves with the arrivals that were waited for", async () => {
  const arrivals = book(3);
  arrive(arrivals, "a");
  const waiting = arrivals.wait(2, { provider: "apn" });
  arrive(arrivals, "b");
  assert.deepEqual((await waiting).map(({ token }) => token), ["a", "b"]);
});

Deno.test("wait() ends with its signal", async () => {
  const abort = new AbortController();
  const waiting = book(3).wait(1, {}, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});
