import assert from "node:assert/strict";
import { createPushLog, type PushLog } from "../../simulator/push_log.ts";

function book(keep: number) {
  return createPushLog({ now: () => 1000, keep });
}

function receive(received: PushLog, token: string, status = 200) {
  received.add({ provider: "apn", token, status, headers: {} }, () => token);
}

function tokens(received: PushLog) {
  return received.list().map(({ token }) => token);
}

Deno.test("only the last received pushes are kept, oldest first", () => {
  const received = book(3);
  for (const token of ["a", "b", "c", "d", "e"]) receive(received, token);
  assert.deepEqual(tokens(received), ["c", "d", "e"]);
  assert.deepEqual(received.counts(), { apn: { accepted: 5, refused: 0 } });
});

Deno.test("sequence numbers continue after clear()", () => {
  const received = book(3);
  for (const token of ["a", "b"]) receive(received, token);
  received.clear();
  for (const token of ["c", "d", "e", "f"]) receive(received, token);
  assert.deepEqual(tokens(received), ["d", "e", "f"]);
  assert.deepEqual(received.list().map(({ sequence }) => sequence), [4, 5, 6]);
  assert.deepEqual(received.list({ after: 5 }).map(({ token }) => token), ["f"]);
});

Deno.test("where only counts are wanted, payloads are not computed", () => {
  const received = book(0);
  received.add({ provider: "wns", token: "a", status: 410, headers: {} }, () => {
    throw new Error("asked for");
  });
  assert.deepEqual(received.counts(), { wns: { accepted: 0, refused: 1 } });
  assert.deepEqual(received.list(), []);
});

Deno.test("a request that hangs is neither accepted nor dropped", () => {
  const received = book(3);
  receive(received, "a", 0);
  assert.equal(received.list({ accepted: true }).length, 0);
  assert.equal(received.list({ accepted: false }).length, 1);
});

Deno.test("wait() resolves with the requested pushes", async () => {
  const received = book(3);
  receive(received, "a");
  const waiting = received.wait(2, { provider: "apn" });
  receive(received, "b");
  assert.deepEqual((await waiting).map(({ token }) => token), ["a", "b"]);
});

Deno.test("wait() ends with its signal", async () => {
  const abort = new AbortController();
  const waiting = book(3).wait(1, {}, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});
