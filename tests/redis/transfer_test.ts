/** An export of Redis under load, and the way back onto another server. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { createIdSource } from "../../core/ids.ts";
import { bufferKeys, redisLedgerKey } from "../../redis/buffer/keys.ts";
import { exportLines, openLink } from "../../redis/mod.ts";
import { commandsFor } from "../../redis/transfer/import.ts";
import { runProgram } from "../support/programs.ts";
import { type RedisServer, redisTest, startRedis } from "../support/redis_server.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const SLOW = { "com.openexchange.pns.delayDuration": 400, "io.carillon.cluster.lease": 1_000 };

function cli(words: readonly string[], redis: RedisServer) {
  return runProgram([Deno.execPath(), "run", "-A", "--no-check", MAIN, ...words], {
    env: { CARILLON_STORE: redis.url },
  });
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "carillon_export_" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

redisTest(
  "an export under load has all that was accepted before it, on another server",
  async () => {
    await withFolder(async (folder) => {
      await using redis = await startRedis();
      const accepted: string[] = [];
      let before: readonly string[] = [];
      {
        await using service = await startTestService({ store: redis.url, properties: SLOW });
        await service.subscribe({ client: "phone", transport: "gcm", token: "a-token" });
        let stopped = false;
        const publishing = (async () => {
          for (let n = 0; !stopped; n++) {
            const drafts = Array.from(
              { length: 20 },
              (_, user) => ({ user: `${user}`, data: { n } }),
            );
            accepted.push(...await service.publishAll(drafts));
          }
        })();
        await until("enough is accepted", () => accepted.length >= 2_000);
        before = [...accepted];
        const { code, stderr, stdout } = await cli(
          ["backup", `${folder}/b.ndjson`, "--json"],
          redis,
        );
        stopped = true;
        await publishing;
        assert.equal(code, 0, stderr);
        assert.ok(JSON.parse(stdout).keys > 64);
        assert.equal((await Deno.stat(`${folder}/b.ndjson`)).mode! & 0o777, 0o600);
      }
      await using other = await startRedis();
      const restored = await cli(["restore", `${folder}/b.ndjson`], other);
      assert.equal(restored.code, 0, restored.stderr);
      await using service = await startTestService({ store: other.url, properties: SLOW });
      for (const id of before) await service.settled(id);
      const { body } = await service.call("GET", "/v1/subscriptions?context=1&user=3");
      assert.equal(body.items.length, 1);
    });
  },
);

redisTest("what moves to keys that are new since the search is in the export", async () => {
  await using redis = await startRedis();
  await using link = await openLink(redis.url, { clock: systemClock, random: () => 0.5 });
  const id = createIdSource(systemClock)();
  const claimed = createIdSource(systemClock)();
  const { items, claims } = bufferKeys(0);
  const ledger = redisLedgerKey(0, id);
  for (const each of [id, claimed]) await link.send(items, ["HSET", items, each, "accepted"]);
  let hasMoved = false;
  const moving = {
    now: () => link.now(),
    run: (...given: Parameters<typeof link.run>) => link.run(...given),
    async send(...[near, command]: Parameters<typeof link.send>) {
      const reply = await link.send(near, command);
      if (command[0] !== "SCAN" || hasMoved) return reply;
      hasMoved = true;
      await link.send(items, ["HDEL", items, id]);
      await link.send(ledger, ["HSET", ledger, id, "settled"]);
      await link.send(claims, ["HSET", claims, claimed, "a node"]);
      return reply;
    },
  };
  const lines = await Array.fromAsync(exportLines({ link: moving, topology: "single" }));
  const contents = new Map(
    lines.map((line) => JSON.parse(line)).map(({ key, content }) => [key, content]),
  );
  assert.deepEqual(contents.get(ledger), [id, "settled"]);
  assert.deepEqual(contents.get(items), [claimed, "accepted"]);
  assert.deepEqual(contents.get(claims), [claimed, "a node"]);
});

redisTest("a restore refuses a Redis that is not empty", async () => {
  await withFolder(async (folder) => {
    await using redis = await startRedis();
    await leaveSubscription(redis);
    assert.equal((await cli(["backup", `${folder}/b.ndjson`], redis)).code, 0);
    const { code, stderr } = await cli(["restore", `${folder}/b.ndjson`], redis);
    assert.equal(code, 1);
    assert.match(stderr, /not empty/);
  });
});

redisTest(
  "an export that was broken off, or changed, is refused before a key is written",
  async () => {
    await withFolder(async (folder) => {
      await using redis = await startRedis();
      await leaveSubscription(redis);
      const path = `${folder}/b.ndjson`;
      assert.equal((await cli(["backup", path], redis)).code, 0);
      const text = await Deno.readTextFile(path);
      const lines = text.trimEnd().split("\n");
      await using other = await startRedis();
      for (
        const [broken, says] of [
          [lines.slice(0, -1).join("\n"), /the end is missing/],
          [[lines[0], ...lines.slice(2)].join("\n"), /keys instead of/],
          [text.slice(0, text.length / 2), /line \d+ of the export/],
          ['{"v":1}', /no line of an export/],
          [`${lines[0]!.replace('"v":1', '"v":2')}\n`, /later version/],
        ] as const
      ) {
        await Deno.writeTextFile(path, broken);
        const { code, stderr } = await cli(["restore", path], other);
        assert.equal(code, 1);
        assert.match(stderr, says);
        assert.equal(await other.cli("dbsize"), "0");
      }
    });
  },
);

redisTest("a restore that is killed keeps nodes away, and the next one starts over", async () => {
  await withFolder(async (folder) => {
    await using redis = await startRedis();
    {
      await using service = await startTestService({ store: redis.url, properties: SLOW });
      await service.subscribe({ client: "phone", transport: "gcm", token: "a-token" });
    }
    assert.equal((await cli(["backup", `${folder}/b.ndjson`], redis)).code, 0);
    await using other = await startRedis();
    // What a kill in the middle leaves: the marker, and some of the keys.
    await other.cli("set", "carillon:{restore}:importing", "1");
    await other.cli("set", "carillon:{records}:r:rest", "half");
    await assert.rejects(startTestService({ store: other.url }), /restore .* was broken off/);
    const { code, stderr } = await cli(["restore", `${folder}/b.ndjson`], other);
    assert.equal(code, 0, stderr);
    assert.equal(await other.cli("exists", "carillon:{records}:r:rest"), "0");
    await using service = await startTestService({ store: other.url });
    const { body } = await service.call("GET", "/v1/subscriptions?context=1&user=3");
    assert.equal(body.items.length, 1);
  });
});

redisTest("a backup that is killed leaves no file that a restore would take", async () => {
  await withFolder(async (folder) => {
    await using redis = await startRedis();
    await leaveSubscription(redis);
    const words = ["run", "-A", "--no-check", MAIN, "backup", `${folder}/b.ndjson`];
    redis.pause();
    const child = new Deno.Command(Deno.execPath(), {
      args: words,
      env: { CARILLON_STORE: redis.url },
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill("SIGKILL");
    await child.status;
    redis.resume();
    assert.ok(!(await names(folder)).includes("b.ndjson"));
    assert.equal((await cli(["backup", `${folder}/b.ndjson`], redis)).code, 0);
    assert.deepEqual(await names(folder), ["b.ndjson"]);
  });
});

redisTest("every kind of key comes back as it was", async () => {
  await using redis = await startRedis();
  await using link = await openLink(redis.url, { clock: systemClock, random: () => 0.5 });
  const key = (name: string) => `carillon:{p1}:${name}`;
  const kept = { expiresAt: Date.now() + 60_000 };
  const keys = [
    { key: key("string"), type: "string", content: ["a\nb"], ...kept },
    { key: key("hash"), type: "hash", content: ["f", "1", "g", "2"] },
    { key: key("zset"), type: "zset", content: ["member", "1.5", "other", "2"] },
    { key: key("set"), type: "set", content: ["x"] },
    { key: key("list"), type: "list", content: ["1", "2"] },
    { key: key("stream"), type: "stream", content: ["5-1", '["a","1"]'], last: "9-0" },
    { key: key("old"), type: "string", content: ["gone"], expiresAt: 1 },
  ] as const;
  for (const each of keys) {
    for (const command of commandsFor(each, Date.now())) await link.send(each.key, command);
  }
  assert.equal(await redis.cli("get", key("string")), "a\nb");
  assert.ok(Number(await redis.cli("pttl", key("string"))) > 50_000);
  assert.equal(await redis.cli("hget", key("hash"), "g"), "2");
  assert.equal(await redis.cli("zscore", key("zset"), "member"), "1.5");
  assert.equal(await redis.cli("lrange", key("list"), 0, -1), "1\n2");
  assert.match(await redis.cli("xinfo", "stream", key("stream")), /last-generated-id\n9-0/);
  assert.equal(await redis.cli("exists", key("old")), "0");
});

/** Leaves what a service that is gone leaves. */
async function leaveSubscription(redis: RedisServer): Promise<void> {
  await using service = await startTestService({ store: redis.url });
  await service.subscribe({ client: "phone", transport: "gcm", token: "a-token" });
}

async function names(folder: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}
