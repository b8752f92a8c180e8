import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { systemClock } from "../../core/clock.ts";
import type { Link } from "../../redis/link/routed_link.ts";
import { openLink } from "../../redis/link/open.ts";
import { RedisStore } from "../../redis/records/store.ts";
import { storeContract } from "../contract/store_contract.ts";
import { redisTest, redisTests, sharedRedis, startRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
const links: Link[] = [];
Deno.test.afterAll(async () => {
  for (const link of links) await link[Symbol.asyncDispose]();
});

redisTests("the contract of stores, on Redis", () => storeContract("redis", openEmpty));

redisTest("two nodes that change the same record on Redis do not lose a change", async () => {
  const stores = [await openEmpty(), new RedisStore(await connect(redis().url))];
  await Promise.all(stores.flatMap((store) => [1, 2, 3, 4].map(() => addOne(store))));
  assert.equal((await stores[0]!.get(["count"]))?.value, 8);
});

redisTest("a record on Redis vanishes when its time has passed, also from lists", async () => {
  const store = await openEmpty();
  await store.commit({
    sets: [{ key: ["k", 1], value: 1, expireInMs: 50 }, { key: ["k", 2], value: 2 }],
  });
  assert.equal((await store.get(["k", 1]))?.value, 1);
  await until("it has gone", async () => await store.get(["k", 1]) === undefined);
  const left = await Array.fromAsync(store.list({ prefix: ["k"], limit: 1 }));
  assert.deepEqual(left.map(({ key }) => key), [["k", 2]]);
  const commit = {
    checks: [{ key: ["k", 1], version: null }],
    sets: [{ key: ["k", 1], value: 3 }],
  };
  assert.equal(await store.commit(commit), true);
});

redisTest("setting a record on Redis again without a limit of time keeps it", async () => {
  const store = await openEmpty();
  await store.commit({
    sets: [1, 2].map((n) => ({ key: ["k", n], value: 1, expireInMs: 50 })),
  });
  await store.commit({ sets: [{ key: ["k", 1], value: 2 }] });
  await until("the other has gone", async () => await store.get(["k", 2]) === undefined);
  assert.equal((await store.get(["k", 1]))?.value, 2);
});

redisTest("what has expired on Redis leaves nothing behind", async () => {
  const store = await openEmpty();
  const sets = [1, 2, 3].map((n) => ({ key: ["k", n], value: 1, expireInMs: 10 }));
  await store.commit({ sets });
  await until("later commits have swept it away", async () => {
    await store.commit({ sets: [{ key: ["other"], value: 1 }] });
    return await redis().cli("zcard", "carillon:{records}:index") === "1";
  });
  assert.equal(await redis().cli("zcard", "carillon:{records}:expiries"), "0");
  await store.commit({ deletes: [["other"]] });
  assert.equal(await redis().cli("keys", "*"), "carillon:{records}:version");
});

redisTest("a version is not used again after Redis has lost what it knew", async () => {
  const store = await openEmpty();
  await store.commit({ sets: [{ key: ["a"], value: 1 }] });
  const { version } = (await store.get(["a"]))!;
  await redis().flush();
  await store.commit({ sets: [{ key: ["a"], value: 2 }] });
  const stale = { checks: [{ key: ["a"], version }], sets: [{ key: ["a"], value: 3 }] };
  assert.equal(await store.commit(stale), false);
});

redisTest("a list over Redis goes on while records come and go", async () => {
  const store = await openEmpty();
  for (const part of [0, 500]) {
    const sets = Array.from({ length: 500 }, (_, n) => ({ key: ["n", part + n], value: 1 }));
    await store.commit({ sets });
  }
  let seen = 0;
  for await (const { key } of store.list({ prefix: ["n"] })) {
    seen++;
    await store.commit({ deletes: [key] });
  }
  assert.equal(seen, 1_000);
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: ["n"] })), []);
});

redisTest(
  "a commit to a Redis without memory changes nothing, and deletes still work",
  async () => {
    await using server = await startRedis();
    const store = new RedisStore(await connect(server.url));
    await store.commit({ sets: [{ key: ["a"], value: 1 }] });
    await server.cli("config", "set", "maxmemory", 1);
    await assert.rejects(
      store.commit({ sets: [{ key: ["b"], value: 1 }], deletes: [["a"]] }),
      isUnavailable,
    );
    assert.equal((await store.get(["a"]))?.value, 1);
    assert.equal(await store.commit({ deletes: [["a"]] }), true);
    assert.equal(await store.get(["a"]), undefined);
  },
);

redisTest("without Redis the store is unavailable, and works again when it is back", async () => {
  await using server = await startRedis({ appendonly: true });
  const link = await connect(server.url);
  const store = new RedisStore(link);
  await store.commit({ sets: [{ key: ["a"], value: 1 }] });
  await server.stop();
  await until("it is noticed", () => !link.isUp);
  await assert.rejects(store.get(["a"]), isUnavailable);
  await assert.rejects(store.getMany([["a"]]), isUnavailable);
  await assert.rejects(Array.fromAsync(store.list({ prefix: ["a"] })), isUnavailable);
  await assert.rejects(store.commit({ sets: [{ key: ["a"], value: 2 }] }), isUnavailable);
  await server.start();
  await until("the link is up", () => link.isUp);
  assert.equal((await store.get(["a"]))?.value, 1);
});

/** An empty store on the server of this file. */
async function openEmpty(): Promise<RedisStore> {
  await redis().flush();
  links[0] ??= await connect(redis().url);
  return new RedisStore(links[0]);
}

/** A link that is closed after the last test. */
async function connect(url: string): Promise<Link> {
  const link = await openLink(url, { clock: systemClock, random: Math.random });
  links.push(link);
  return link;
}

async function addOne(store: RedisStore): Promise<void> {
  for (;;) {
    const entry = await store.get<number>(["count"]);
    const done = await store.commit({
      checks: [{ key: ["count"], version: entry?.version ?? null }],
      sets: [{ key: ["count"], value: (entry?.value ?? 0) + 1 }],
    });
    if (done) return;
  }
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof ServiceError && thrown.code === "store_unavailable";
}
