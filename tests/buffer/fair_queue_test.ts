import assert from "node:assert/strict";
import fc from "fast-check";
import { FairQueue } from "../../buffer/fair_queue.ts";

interface Item {
  readonly lane: string;
  readonly n: number;
}

const QUOTA = 3;

function create(): FairQueue<Item> {
  return new FairQueue<Item>(({ lane }) => lane, { quota: QUOTA });
}

function fill(queue: FairQueue<Item>, lane: string, count: number): void {
  for (let n = 0; n < count; n++) queue.push({ lane, n });
}

/** `a0a1b0`: what is taken, in order. */
function take(queue: FairQueue<Item>, limit: number): string {
  return queue.take(limit).map(({ lane, n }) => `${lane}${n}`).join("");
}

Deno.test("lanes take turns, a few items each", () => {
  const queue = create();
  fill(queue, "a", 7);
  fill(queue, "b", 4);
  fill(queue, "c", 1);
  assert.equal(take(queue, 100), "a0a1a2b0b1b2c0a3a4a5b3a6");
});

Deno.test("a visit that was cut short goes on where it was", () => {
  const queue = create();
  fill(queue, "a", 5);
  fill(queue, "b", 2);
  assert.deepEqual([take(queue, 2), take(queue, 2), take(queue, 9)], ["a0a1", "a2b0", "b1a3a4"]);
});

Deno.test("whoever comes late waits for one visit to each lane, not for all that is there", () => {
  const queue = create();
  fill(queue, "noisy", 1_000_000);
  queue.take(1);
  queue.push({ lane: "quiet", n: 0 });
  assert.deepEqual(queue.take(QUOTA).at(-1), { lane: "quiet", n: 0 });
});

Deno.test("nothing is kept of a lane that is empty", () => {
  const queue = create();
  for (let n = 0; n < 1000; n++) fill(queue, `lane ${n}`, 2);
  assert.equal(queue.lanes, 1000);
  queue.take(2000);
  assert.deepEqual([queue.lanes, queue.size], [0, 0]);
});

Deno.test("what was cleared does not come back", () => {
  const queue = create();
  fill(queue, "a", 5);
  queue.take(1);
  queue.clear();
  assert.deepEqual([queue.take(9), queue.size, queue.lanes], [[], 0, 0]);
  fill(queue, "a", 4);
  assert.equal(take(queue, 9), "a0a1a2a3");
});

/** A number: so many are taken. A letter: one item comes into that lane. */
const steps = fc.array(
  fc.oneof(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 0, max: 6 })),
  { maxLength: 200 },
);

Deno.test("every item comes out once, in the order of its lane", () => {
  fc.assert(fc.property(steps, (all) => {
    const queue = create();
    const given = new Map<string, number>();
    const taken = new Map<string, number>();
    const check = ({ lane, n }: Item) => {
      assert.equal(n, taken.get(lane) ?? 0);
      taken.set(lane, n + 1);
    };
    for (const step of all) {
      if (typeof step === "number") queue.take(step).forEach(check);
      else {
        const n = given.get(step) ?? 0;
        given.set(step, n + 1);
        queue.push({ lane: step, n });
      }
    }
    queue.take(Infinity).forEach(check);
    assert.deepEqual(taken, given);
    assert.deepEqual([queue.size, queue.lanes], [0, 0]);
  }));
});

Deno.test("while a lane waits, no other one gives more than one visit's worth before it", () => {
  fc.assert(fc.property(steps, (all) => {
    const queue = create();
    /** Lane → how many the others have given since its first item began to wait. */
    const waiting = new Map<string, { left: number; others: Map<string, number> }>();
    for (const step of all) {
      if (typeof step === "string") {
        const entry = waiting.get(step) ?? { left: 0, others: new Map() };
        entry.left++;
        waiting.set(step, entry);
        queue.push({ lane: step, n: 0 });
        continue;
      }
      for (const { lane } of queue.take(step)) {
        const own = waiting.get(lane)!;
        own.others.clear();
        if (--own.left === 0) waiting.delete(lane);
        for (const [name, { others }] of waiting) {
          if (name === lane) continue;
          const count = (others.get(lane) ?? 0) + 1;
          others.set(lane, count);
          assert.ok(count <= QUOTA, `${lane} gave ${count} before ${name}`);
        }
      }
    }
  }));
});
