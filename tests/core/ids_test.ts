import assert from "node:assert/strict";
import fc from "fast-check";
import { createIdSource, createTag, idTag, idTime, isId } from "../../core/ids.ts";

Deno.test("an id contains the time of its creation", () => {
  const now = Date.UTC(2026, 0, 1, 12, 30);
  const id = createIdSource({ now: () => now })();
  assert.equal(isId(id), true);
  assert.equal(idTime(id), now);
});

Deno.test("ids grow while the clock stands still", () => {
  const next = createIdSource({ now: () => 1_000 });
  const ids = Array.from({ length: 10_000 }, next);
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("ids grow however the clock moves, and are all of the right form", () => {
  const jump = fc.integer({ min: -100_000, max: 100_000 });
  fc.assert(
    fc.property(fc.array(jump, { maxLength: 200 }), (jumps) => {
      let now = Date.UTC(2026, 0, 1);
      const next = createIdSource({ now: () => now });
      let last = next();
      for (const jump of jumps) {
        now += jump;
        const id = next();
        assert.ok(id > last, `${id} after ${last}`);
        assert.ok(isId(id), id);
        last = id;
      }
    }),
  );
});

Deno.test("an id made after the clock went back carries the later time", () => {
  let now = 5_000;
  const next = createIdSource({ now: () => now });
  next();
  now = 1_000;
  assert.equal(idTime(next()), 5_000);
});

Deno.test("two sources do not make the same ids in the same millisecond", () => {
  const clock = { now: () => 1_000 };
  const one = createIdSource(clock);
  const other = createIdSource(clock);
  const ids = Array.from({ length: 1_000 }, () => [one(), other()]).flat();
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("every id of a source ends in its tag, and another source has another one", () => {
  const clock = { now: () => 1_000 };
  const next = createIdSource(clock, { tag: "c0ffee00" });
  const ids = [next(), next(), next()];
  assert.deepEqual(ids.map(idTag), ["c0ffee00", "c0ffee00", "c0ffee00"]);
  assert.ok(ids.every(isId));
  const [one, other] = [createIdSource(clock), createIdSource(clock)];
  assert.notEqual(idTag(one()), idTag(other()));
  assert.equal(idTag(one()), idTag(one()));
});

Deno.test("a tag sorts after every id", () => {
  const next = createIdSource({ now: () => Date.UTC(2500, 0, 1) });
  for (let i = 0; i < 100; i++) assert.ok(createTag() > next());
});

const NO_IDS = [
  "",
  "0198c0de-0000-4000-8000-000000000000",
  "0198c0de-0000-7000-0000-000000000000",
  "0198C0DE-0000-7000-8000-000000000000",
  "0198c0de-0000-7000-8000-00000000000",
  "0198c0de-0000-7000-8000-000000000000\n",
];
for (const text of NO_IDS) {
  Deno.test(`${JSON.stringify(text)} is no id`, () => assert.equal(isId(text), false));
}
