import assert from "node:assert/strict";
import { ChangePublisher } from "../../core/change_publisher.ts";
import { type Change, readChange } from "../../core/change_feed.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

function user(n: number): Change {
  return { kind: "subscriptions", context: "1", user: String(n) };
}

/** A publisher whose batches are sent when a test says so. */
function publisher() {
  const clock = new FakeClock();
  const batches: (readonly Change[])[] = [];
  let answer: () => Promise<void> = () => Promise.resolve();
  const faults: unknown[] = [];
  const all = new ChangePublisher({
    clock,
    random: () => 0.5,
    onFault: (thrown) => faults.push(thrown),
    send(changes) {
      batches.push(changes);
      return answer();
    },
  });
  return {
    all,
    clock,
    batches,
    faults,
    onSend: (next: () => Promise<void>) => void (answer = next),
  };
}

Deno.test("a change is sent at once, and those added meanwhile are sent together", async () => {
  const { all, batches, onSend } = publisher();
  const first = Promise.withResolvers<void>();
  onSend(() => first.promise);
  all.add(user(1));
  all.add(user(2));
  all.add(user(3));
  all.add(user(2));
  first.resolve();
  await settle();
  assert.deepEqual(batches, [[user(1)], [user(2), user(3)]]);
});

Deno.test("a change is sent, however soon after the last one it is added", async () => {
  for (let turns = 0; turns < 20; turns++) {
    const { all, batches } = publisher();
    all.add(user(1));
    for (let turn = 0; turn < turns; turn++) await null;
    all.add(user(2));
    await settle();
    assert.deepEqual(batches.flat(), [user(1), user(2)], `after ${turns} turns`);
  }
});

Deno.test("a change that is added while an equal one is being sent is sent again", async () => {
  const { all, batches, onSend } = publisher();
  const first = Promise.withResolvers<void>();
  onSend(() => first.promise);
  all.add(user(1));
  all.add(user(1));
  first.resolve();
  await settle();
  assert.deepEqual(batches, [[user(1)], [user(1)]]);
});

Deno.test("a batch that fails is sent again after a pause", async () => {
  const { all, batches, clock, faults, onSend } = publisher();
  onSend(() => Promise.reject(new Error("away")));
  all.add(user(1));
  await settle();
  onSend(() => Promise.resolve());
  all.add(user(2));
  await clock.advance(999);
  assert.equal(batches.length, 1);
  await clock.advance(1);
  assert.deepEqual(new Set(batches[1]), new Set([user(1), user(2)]));
  assert.equal(faults.length, 1);
});

Deno.test("where too many wait, others learn that a lot has changed", async () => {
  const { all, batches, onSend } = publisher();
  const first = Promise.withResolvers<void>();
  onSend(() => first.promise);
  for (let n = 0; n < 10_002; n++) all.add(user(n));
  onSend(() => Promise.resolve());
  first.resolve();
  await settle();
  assert.deepEqual(batches[1], [{ kind: "unknown" }, user(10_001)]);
});

Deno.test("disposing tries once more and then gives up", async () => {
  const { all, batches, onSend } = publisher();
  onSend(() => Promise.reject(new Error("away")));
  all.add(user(1));
  await settle();
  await all[Symbol.asyncDispose]();
  assert.equal(batches.length, 2);
});

Deno.test("a change is read as it was written", () => {
  const changes: readonly Change[] = [
    user(1),
    { kind: "attributes", context: "1" },
    { kind: "attributes", context: "1", user: "2" },
    { kind: "apiKeys" },
    { kind: "session", id: "x" },
    { kind: "unknown" },
  ];
  assert.deepEqual(changes.map((each) => readChange(JSON.parse(JSON.stringify(each)))), changes);
});

Deno.test("a change that cannot be read may be anything", () => {
  const strange = [null, 7, [], {}, { kind: "moon" }, { kind: "session" }, {
    kind: "subscriptions",
    context: "1",
  }, { kind: "attributes", user: "2" }];
  for (const each of strange) assert.deepEqual(readChange(each), { kind: "unknown" });
});
