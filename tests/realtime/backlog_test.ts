import assert from "node:assert/strict";
import { Backlog, type BacklogPeer } from "../../realtime/_backlog.ts";

function laggard(
  bytes: number,
): BacklogPeer & { bytes: number; dropped: boolean } {
  return {
    bytes,
    dropped: false,
    get backlogBytes() {
      return this.bytes;
    },
    drop() {
      this.dropped = true;
      this.bytes = 0;
    },
    whenGone: (run) => run(),
  };
}

Deno.test("a backlog within its limits is admitted", () => {
  const backlog = new Backlog({ maxBacklogBytes: 100, maxTotalBacklogBytes: 1000 });
  assert.ok(backlog.admit(laggard(0), 500));
  assert.ok(backlog.admit(laggard(60), 40));
  assert.equal(backlog.measure(), 60);
});

Deno.test("above the total the peer with the largest backlog is dropped, not the one being served", () => {
  const backlog = new Backlog({ maxBacklogBytes: 100, maxTotalBacklogBytes: 150 });
  const [far, near] = [laggard(90), laggard(50)];
  assert.ok(backlog.admit(far, 5));
  assert.ok(backlog.admit(near, 1));
  near.bytes = 80;
  assert.ok(backlog.admit(near, 1));
  assert.deepEqual([far.dropped, near.dropped], [true, false]);
});

Deno.test("bytes that a peer has taken since do not count", () => {
  const backlog = new Backlog({ maxBacklogBytes: 100, maxTotalBacklogBytes: 150 });
  const [first, second] = [laggard(90), laggard(90)];
  assert.ok(backlog.admit(first, 5));
  first.bytes = 0;
  assert.ok(backlog.admit(second, 5));
  assert.deepEqual([first.dropped, second.dropped], [false, false]);
  assert.equal(backlog.measure(), 90);
});
