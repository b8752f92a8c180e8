import assert from "node:assert/strict";
import fc from "fast-check";
import { FairQueue } from "../../buffer/fair_queue.ts";

interface Item {
  readonly group: string;
  readonly n: number;
}

const QUOTA = 3;

function create(): FairQueue<Item> {
  return new FairQueue<Item>(({ group }) => group, { quota: QUOTA });
}

function fill(queue: FairQueue<Item>, group: string, count: number): void {
  for (let n = 0; n < count; n++) queue.push({ group, n });
}

/** Takes items, and returns them as text such as `a0a1b0`. */
function take(queue: FairQueue<Item>, limit: number): string {
  return queue.take(limit).map(({ group, n }) => `${group}${n}`).join("");
}

Deno.test("groups take turns, a few items each", () => {
  const queue = create();
  fill(queue, "a", 7);
  fill(queue, "b", 4);
  fill(queue, "c", 1);
  assert.equal(take(queue, 100), "a0a1a2b0b1b2c0a3a4a5b3a6");
});

Deno.test("a turn that was interrupted continues where it was", () => {
  const queue = create();
  fill(queue, "a", 5);
  fill(queue, "b", 2);
  assert.deepEqual([take(queue, 2), take(queue, 2), take(queue, 9)], ["a0a1", "a2b0", "b1a3a4"]);
});

Deno.test("a new group waits for one turn of each other group, not for all their items", () => {
  const queue = create();
  fill(queue, "noisy", 1_000_000);
  queue.take(1);
  queue.push({ group: "quiet", n: 0 });
  assert.deepEqual(queue.take(QUOTA).at(-1), { group: "quiet", n: 0 });
});

Deno.test("an empty group is removed", () => {
  const queue = create();
  for (let n = 0; n < 1000; n++) fill(queue, `group ${n}`, 2);
  assert.equal(queue.groups, 1000);
  queue.take(2000);
  assert.deepEqual([queue.groups, queue.size], [0, 0]);
});

Deno.test("cleared items do not come back", () => {
  const queue = create();
  fill(queue, "a", 5);
  queue.take(1);
  queue.clear();
  assert.deepEqual([queue.take(9), queue.size, queue.groups], [[], 0, 0]);
  fill(queue, "a", 4);
  assert.equal(take(queue, 9), "a0a1a2a3");
});

/** A number takes so many items. A letter adds one item to that group. */
const steps = fc.array(
  fc.oneof(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 0, max: 6 })),
  { maxLength: 200 },
);

Deno.test("every item is taken once, in the order of its group", () => {
  fc.assert(fc.property(steps, (all) => {
    const queue = create();
    const given = new Map<string, number>();
    const taken = new Map<string, number>();
    const check = ({ group, n }: Item) => {
      assert.equal(n, taken.get(group) ?? 0);
      taken.set(group, n + 1);
    };
    for (const step of all) {
      if (typeof step === "number") queue.take(step).forEach(check);
      else {
        const n = given.get(step) ?? 0;
        given.set(step, n + 1);
        queue.push({ group: step, n });
      }
    }
    queue.take(Infinity).forEach(check);
    assert.deepEqual(taken, given);
    assert.deepEqual([queue.size, queue.groups], [0, 0]);
  }));
});

Deno.test("while a group waits, no other one has more than one turn before it", () => {
  fc.assert(fc.property(steps, (all) => {
    const queue = create();
    /** Group → how many items the others had since its first item began to wait. */
    const waiting = new Map<string, { left: number; others: Map<string, number> }>();
    for (const step of all) {
      if (typeof step === "string") {
        const entry = waiting.get(step) ?? { left: 0, others: new Map() };
        entry.left++;
        waiting.set(step, entry);
        queue.push({ group: step, n: 0 });
        continue;
      }
      for (const { group } of queue.take(step)) {
        const own = waiting.get(group)!;
        own.others.clear();
        if (--own.left === 0) waiting.delete(group);
        for (const [name, { others }] of waiting) {
          if (name === group) continue;
          const count = (others.get(group) ?? 0) + 1;
          others.set(group, count);
          assert.ok(count <= QUOTA, `${group} had ${count} before ${name}`);
        }
      }
    }
  }));
});
