import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { systemClock } from "../../core/clock.ts";
import type { Commit } from "../../core/store.ts";
import { PARTITIONS } from "../../redis/keys.ts";
import type { Link } from "../../redis/link/link.ts";
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

redisTest("a record on Redis expires, also from lists", async () => {
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

redisTest("a record on Redis that is set again without an expiry stays", async () => {
  const store = await openEmpty();
  await store.commit({
    sets: [1, 2].map((n) => ({ key: ["k", n], value: 1, expireInMs: 50 })),
  });
  await store.commit({ sets: [{ key: ["k", 1], value: 2 }] });
  await until("the other has gone", async () => await store.get(["k", 2]) === undefined);
  assert.equal((await store.get(["k", 1]))?.value, 2);
});

redisTest("an expired record leaves nothing in Redis", async () => {
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

redisTest("no version is used again after Redis has lost its memory", async () => {
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

redisTest(
  "the store is unavailable without Redis, and works again when it is back",
  async () => {
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
  },
);

redisTest("a standalone record is set, checked, replaced and deleted by name", async () => {
  const store = await openStandalone();
  const key = ["standalone", "a", 1];
  const fresh = { checks: [{ key, version: null }], sets: [{ key, value: { n: 1 } }] };
  assert.equal(await store.commit(fresh), true);
  assert.equal(await store.commit(fresh), false);
  const { value, version } = (await store.get(key))!;
  assert.deepEqual(value, { n: 1 });
  const next = { checks: [{ key, version }], sets: [{ key, value: { n: 2 } }] };
  assert.equal(await store.commit({ checks: next.checks }), true);
  assert.equal(await store.commit(next), true);
  assert.equal(await store.commit(next), false);
  assert.equal(await store.commit({ checks: next.checks }), false);
  assert.equal(await store.commit({ checks: next.checks, deletes: [key] }), false);
  assert.deepEqual((await store.get(key))?.value, { n: 2 });
  assert.equal(await store.commit({ sets: [{ key, value: 3 }] }), true);
  assert.equal((await store.get(key))?.value, 3);
  assert.equal(await store.commit({ deletes: [key] }), true);
  assert.equal(await store.get(key), undefined);
  assert.equal(await store.commit({ deletes: [key] }), true);
});

redisTest(
  "a standalone record expires and leaves nothing behind",
  async () => {
    const store = await openStandalone();
    const key = ["standalone", "a"];
    await store.commit({ sets: [{ key, value: 1, expireInMs: 49.5 }] });
    assert.equal((await store.get(key))?.value, 1);
    await until("it has gone", async () => await store.get(key) === undefined);
    assert.equal(await redis().cli("dbsize"), "0");
    const repeated = {
      checks: [{ key, version: null }],
      sets: [{ key, value: 2, expireInMs: 50 }],
    };
    assert.equal(await store.commit(repeated), true);
    await store.commit({ sets: [{ key, value: 3 }] });
    const [name] = await allKeys();
    assert.equal(await links[0]!.send(name!, ["PTTL", name!]), -1);
  },
);

redisTest("standalone records spread over the partitions, and are in no list", async () => {
  const store = await openStandalone();
  const keys = Array.from({ length: 500 }, (_, n) => ["standalone", "a", `k${n}`]);
  await Promise.all(
    keys.map((key) => store.commit({ sets: [{ key, value: 1, expireInMs: 1e6 }] })),
  );
  const tags = (await allKeys()).map((key) => /^carillon:\{(p\d+)\}:r:/.exec(key)?.[1]);
  assert.equal(tags.length, 500);
  assert.ok(!tags.includes(undefined));
  assert.equal(new Set(tags).size, PARTITIONS);
  await store.commit({ sets: [{ key: ["other"], value: 1 }] });
  assert.equal(await redis().cli("zcard", "carillon:{records}:index"), "1");
  assert.equal(await redis().cli("zcard", "carillon:{records}:expiries"), "0");
  const all = await Array.fromAsync(store.list({ prefix: [] }));
  assert.deepEqual(all.map(({ key }) => key), [["other"]]);
  for (const prefix of [["standalone"], ["standalone", "a"]]) {
    await assert.rejects(Array.fromAsync(store.list({ prefix })), isMistake);
  }
});

redisTest("standalone records and others are read together, in the order of the keys", async () => {
  const store = await openStandalone();
  const keys = Array.from({ length: 210 }, (_, n) => [n % 3 === 0 ? "other" : "standalone", n]);
  const [, ...there] = keys;
  await Promise.all(there.map((key) => store.commit({ sets: [{ key, value: key[1] }] })));
  const found = await store.getMany<number>([...keys, ["standalone", "missing"]]);
  const values = found.map((entry) => entry && [entry.key[0], entry.value]);
  assert.deepEqual(values, [undefined, ...there, undefined]);
});

redisTest("a standalone record never gets the same version twice", async () => {
  const store = await openStandalone();
  const key = ["standalone", "a"];
  const versions: string[] = [];
  for (let n = 0; n < 90; n++) {
    await store.commit({ sets: [{ key, value: 1 }] });
    versions.push((await store.get(key))!.version);
    if (n % 3 === 1) await store.commit({ deletes: [key] });
    // Like a replica that takes over without having seen the record.
    if (n % 3 === 2) await redis().flush();
  }
  assert.equal(new Set(versions).size, versions.length);
});

redisTest("a commit of a standalone record and another one is refused", async () => {
  const store = await openStandalone();
  const key = ["standalone", "a"];
  const check = { key, version: null };
  const set = { key, value: 1 };
  const other = ["other"];
  const refused: readonly Commit[] = [
    { sets: [set, { key: other, value: 1 }] },
    { sets: [set, { key: ["standalone", "b"], value: 1 }] },
    { sets: [set, set] },
    { sets: [set], deletes: [other] },
    { sets: [set], deletes: [key] },
    { sets: [set], checks: [check, check] },
    { sets: [set], checks: [{ key: other, version: null }] },
    { sets: [{ key: other, value: 1 }], checks: [check] },
  ];
  for (const commit of refused) await assert.rejects(store.commit(commit), isMistake);
  assert.equal(await redis().cli("dbsize"), "0");
});

redisTest("one of two nodes that create the same standalone record succeeds", async () => {
  const stores = [await openStandalone(), standaloneOn(await connect(redis().url))];
  for (let n = 0; n < 20; n++) {
    const key = ["standalone", n];
    const done = await Promise.all(stores.map((store, value) => {
      return store.commit({ checks: [{ key, version: null }], sets: [{ key, value }] });
    }));
    assert.deepEqual(done.toSorted(), [false, true]);
    assert.equal((await stores[0]!.get(key))?.value, done.indexOf(true));
  }
});

redisTest("a Redis without memory sets no standalone record, and deletes still work", async () => {
  await using server = await startRedis();
  const store = standaloneOn(await connect(server.url));
  const key = ["standalone", "a"];
  await store.commit({ sets: [{ key, value: 1 }] });
  await server.cli("config", "set", "maxmemory", 1);
  await assert.rejects(store.commit({ sets: [{ key, value: 2 }] }), isUnavailable);
  assert.equal((await store.get(key))?.value, 1);
  assert.equal(await store.commit({ deletes: [key] }), true);
  assert.equal(await store.get(key), undefined);
});

/** An empty store on the server of this file. */
async function openEmpty(): Promise<RedisStore> {
  await redis().flush();
  links[0] ??= await connect(redis().url);
  return new RedisStore(links[0]);
}

/** The same, where records whose keys begin with `standalone` are. */
async function openStandalone(): Promise<RedisStore> {
  await openEmpty();
  return standaloneOn(links[0]!);
}

function standaloneOn(link: Link): RedisStore {
  return new RedisStore(link, { standalone: ["standalone"] });
}

/** All keys of the server of this file. */
async function allKeys(): Promise<readonly string[]> {
  return await links[0]!.send("", ["KEYS", "*"]) as readonly string[];
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

/** A bug of the caller, not an outage. */
function isMistake(thrown: unknown): boolean {
  return thrown instanceof Error && !(thrown instanceof ServiceError) &&
    /standalone/.test(thrown.message);
}
