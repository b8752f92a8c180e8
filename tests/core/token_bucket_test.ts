import assert from "node:assert/strict";
import fc from "fast-check";
import { createLocalLimiter, takeFrom } from "../../core/token_bucket.ts";
import { FakeClock } from "../support/fake_clock.ts";

function limiter({ maxBuckets }: { readonly maxBuckets?: number } = {}) {
  const clock = new FakeClock();
  const local = createLocalLimiter({ clock, ...maxBuckets !== undefined && { maxBuckets } });
  const take = (name: string, count: number, perSecond = 10) =>
    local.take(name, { count, perSecond }) as number;
  return { clock, take, giveBack: local.refund };
}

Deno.test("a second's worth is taken at once, and then no more", () => {
  const { take } = limiter();
  for (let n = 0; n < 10; n++) assert.equal(take("a", 1), 0);
  assert.ok(take("a", 1) > 0);
});

Deno.test("a refusal returns the time until there is enough", async () => {
  const { clock, take } = limiter();
  take("a", 10);
  assert.equal(take("a", 3), 300);
  await clock.advance(299);
  assert.equal(take("a", 3), 1);
  await clock.advance(1);
  assert.equal(take("a", 3), 0);
});

Deno.test("what is refused is not taken", async () => {
  const { clock, take } = limiter();
  take("a", 10);
  await clock.advance(500);
  assert.ok(take("a", 6) > 0);
  assert.equal(take("a", 5), 0);
});

Deno.test("more than a second's worth is taken from a full bucket, and paid for afterwards", async () => {
  const { clock, take } = limiter();
  assert.equal(take("a", 25), 0);
  assert.equal(take("a", 1), 1600);
  await clock.advance(1600);
  assert.equal(take("a", 1), 0);
  assert.ok(take("a", 25) > 0, "the bucket is not full");
});

Deno.test("buckets of different names do not meet", () => {
  const { take } = limiter();
  take("a", 10);
  assert.equal(take("b", 10), 0);
});

Deno.test("a changed rate takes effect at once", () => {
  const { take } = limiter();
  take("a", 10, 10);
  assert.ok(take("a", 1, 100) <= 10);
});

Deno.test("what is given back can be taken", () => {
  const { take, giveBack } = limiter();
  take("a", 10);
  giveBack("a", { count: 4, perSecond: 10 });
  assert.equal(take("a", 4), 0);
  assert.ok(take("a", 1) > 0);
});

Deno.test("of too many buckets the one that was not used for longest is forgotten", () => {
  const { take } = limiter({ maxBuckets: 2 });
  for (const name of ["a", "b", "c"]) take(name, 10);
  assert.equal(take("a", 10), 0);
  assert.ok(take("c", 1) > 0);
});

Deno.test("no sequence of takes gets more than the burst and the rate", () => {
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 900 }), count: fc.integer({ min: 1, max: 12 }) }),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(fc.property(fc.integer({ min: 12, max: 1000 }), steps, (perSecond, all) => {
    let now = 0;
    let fullAt = 0;
    let got = 0;
    for (const { wait, count } of all) {
      now += wait;
      const taken = takeFrom(fullAt, { now, count, perSecond });
      if (taken.kind === "taken") {
        fullAt = taken.fullAt;
        got += count;
      } else {
        // The wait is right: a moment before it is refused again, then it is not.
        const at = (time: number) => takeFrom(fullAt, { now: time, count, perSecond }).kind;
        assert.equal(at(now + taken.waitMs), "taken");
        assert.equal(at(now + taken.waitMs - 0.01), "refused");
      }
      assert.ok(got <= perSecond * (1 + now / 1000) + 0.01);
    }
  }));
});
