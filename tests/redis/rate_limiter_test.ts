import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { openLink } from "../../redis/mod.ts";
import { RedisLimiter } from "../../redis/shared/rate_limiter.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
let names = 0;

/** A limiter of one node; `calls` counts its calls to Redis. */
async function node(
  { clock = systemClock }: { readonly clock?: Pick<FakeClock, "monotonic"> } = {},
) {
  const link = await openLink(redis().url, {
    clock: systemClock,
    random: Math.random,
    timeoutMs: 500,
  });
  let calls = 0;
  const limiter = new RedisLimiter({
    clock,
    log: silentLog,
    link: {
      run(...args) {
        calls++;
        return link.run(...args);
      },
    },
  });
  return {
    link,
    limiter,
    take: (name: string, count: number, perSecond: number) =>
      Promise.resolve(limiter.take(name, { count, perSecond })),
    calls: () => calls,
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

function fresh(): string {
  return `key:${names++}`;
}

/** Milliseconds since then. Buckets fill by the time of Redis, however slow a machine is. */
function since(begun: number): number {
  return performance.now() - begun;
}

redisTest("one second's tokens can be taken at once, and no more", async () => {
  await using one = await node();
  const name = fresh();
  const begun = performance.now();
  assert.equal(await one.take(name, 50, 100), 0);
  assert.equal(await one.take(name, 50, 100), 0);
  const waitMs = await one.take(name, 50, 100);
  assert.ok(waitMs >= 490 - since(begun) && waitMs <= 500, `${waitMs} ms`);
});

redisTest("a refusal says when there are enough tokens", async () => {
  await using one = await node();
  const name = fresh();
  const begun = performance.now();
  await one.take(name, 10, 10);
  const waitMs = await one.take(name, 5, 10);
  assert.ok(waitMs >= 490 - since(begun) && waitMs <= 500, `${waitMs} ms`);
  await until("there is enough", async () => await one.take(name, 5, 10) === 0);
});

redisTest(
  "more than one second's tokens are taken from a full bucket, which is then in debt",
  async () => {
    await using one = await node();
    const name = fresh();
    const begun = performance.now();
    assert.equal(await one.take(name, 1000, 100), 0);
    const waitMs = await one.take(name, 1, 100);
    assert.ok(waitMs >= 9_000 - since(begun) && waitMs <= 9_010, `${waitMs} ms`);
  },
);

redisTest("a limit holds for two nodes together", async () => {
  await using a = await node();
  await using b = await node();
  const name = fresh();
  const perSecond = 200;
  const started = performance.now();
  let passed = 0;
  for (let round = 0; round < 400; round++) {
    const waits = await Promise.all([a.take(name, 1, perSecond), b.take(name, 1, perSecond)]);
    passed += waits.filter((wait) => wait === 0).length;
  }
  const seconds = (performance.now() - started) / 1000;
  // A burst and the rate; what a node has borrowed and not spent counts as missing.
  assert.ok(passed <= perSecond * (1 + seconds), `${passed} in ${seconds} s`);
  assert.ok(passed >= perSecond * 0.9, `${passed} in ${seconds} s`);
});

redisTest("most takes need no call to Redis", async () => {
  await using one = await node();
  const name = fresh();
  for (let n = 0; n < 1000; n++) assert.equal(await one.take(name, 1, 1000), 0);
  assert.ok(one.calls() <= 25, `${one.calls()} calls`);
});

redisTest("takes at the same time share an answer", async () => {
  await using one = await node();
  const name = fresh();
  const begun = performance.now();
  const waits = await Promise.all(
    Array.from({ length: 500 }, () => one.take(name, 1, 400)),
  );
  const { length: taken } = waits.filter((wait) => wait === 0);
  const filled = Math.ceil(since(begun) * 0.4);
  assert.ok(taken >= 400 && taken <= 400 + filled, `${taken}`);
  assert.ok(one.calls() <= 10, `${one.calls()} calls`);
});

redisTest("a refusal is remembered while it lasts, without another call", async () => {
  const clock = new FakeClock();
  await using one = await node({ clock });
  const name = fresh();
  // A debt of a minute and more, which no pause of this process pays.
  await one.take(name, 1000, 10);
  assert.ok(await one.take(name, 1, 10) > 0);
  const { calls } = one;
  const before = calls();
  for (let n = 0; n < 100; n++) assert.ok(await one.take(name, 1, 10) > 0);
  assert.equal(calls(), before);
});

redisTest("a borrowed share expires after a second", async () => {
  const clock = new FakeClock();
  await using one = await node({ clock });
  const name = fresh();
  await one.take(name, 1, 1000);
  const before = one.calls();
  await one.take(name, 1, 1000);
  assert.equal(one.calls(), before);
  await clock.advance(1000);
  await one.take(name, 1, 1000);
  assert.equal(one.calls(), before + 1);
});

redisTest("a refund can be taken", async () => {
  await using one = await node();
  const name = fresh();
  await one.take(name, 10, 10);
  assert.ok(await one.take(name, 10, 10) > 0);
  one.limiter.refund(name, { count: 10, perSecond: 10 });
  assert.equal(await one.take(name, 10, 10), 0);
});

redisTest("buckets of different names are separate, whatever the names contain", async () => {
  await using one = await node();
  for (const name of ["context:", "context:}", "context:{x}", "context:a}:rate", "context:ü"]) {
    assert.equal(await one.take(name, 10, 10), 0);
  }
});

redisTest("the key of a full bucket expires", async () => {
  await redis().flush();
  await using one = await node();
  await one.take(fresh(), 100, 1000);
  await until("Redis is empty", async () => await redis().cli("dbsize") === "0");
});

redisTest("nothing is limited while Redis is unavailable", async () => {
  await using one = await node();
  const name = fresh();
  await redis().kill();
  await until("the link is down", () => !one.link.isUp);
  for (let n = 0; n < 50; n++) assert.equal(await one.take(name, 1, 1), 0);
  await redis().start();
  await until("the link is up", () => one.link.isUp);
  await one.take(name, 1, 1);
  assert.ok(await one.take(name, 1, 1) > 0);
});
