import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { hashOf } from "../../redis/link/link.ts";
import { openLink, type OpenLinkOptions } from "../../redis/link/open.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { freePort } from "../support/free_port.ts";
import { type RedisServer, redisTest, sharedRedis, startRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { makeCertificate, withTempDir } from "../support/certificate.ts";

const shared = sharedRedis();
const SUM = { name: "sum", lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])" };

redisTest("answers are texts, numbers, null and lists of them", async () => {
  await using link = await open(shared().url);
  assert.equal(await link.send("h", ["HSET", "h", "a", 1, "b", "é"]), 2);
  assert.deepEqual(await link.send("h", ["HGETALL", "h"]), ["a", "1", "b", "é"]);
  assert.equal(await link.send("h", ["GET", "nothing"]), null);
  await link.send("z", ["ZADD", "z", 1.5, "m"]);
  assert.deepEqual(await link.send("z", ["ZRANGE", "z", 0, -1, "WITHSCORES"]), ["m", "1.5"]);
  const lua = "return {KEYS[1], ARGV[1], 7, false, {true, 'x'}, redis.status_reply('FINE')}";
  const reply = await link.run({ name: "mixed", lua }, ["k"], [2]);
  assert.deepEqual(reply, ["k", "2", 7, null, [1, "x"], "FINE"]);
});

redisTest("commands that are sent at once are answered in order", async () => {
  await using link = await open(shared().url);
  const sent = Array.from({ length: 10_000 }, (_, n) => link.send("e", ["ECHO", n]));
  assert.equal(link.pending, 10_000);
  assert.deepEqual(await Promise.all(sent), sent.map((_, n) => String(n)));
  assert.equal(link.pending, 0);
});

redisTest("a script that the server has forgotten is run all the same", async () => {
  await using link = await open(shared().url);
  assert.equal(await link.run(SUM, ["sum"], [2]), 2);
  await shared().cli("script", "flush");
  assert.equal(await link.run(SUM, ["sum"], [3]), 5);
  assert.match(await shared().cli("script", "exists", hashOf(SUM)), /1/);
});

redisTest("a mistake in a command or script is an error of its own, with its name", async () => {
  await using link = await open(shared().url);
  const mistake = (what: RegExp) => (thrown: unknown) =>
    thrown instanceof Error && !(thrown instanceof ServiceError) && what.test(thrown.message);
  await assert.rejects(link.send("a", ["NOSUCH"]), mistake(/NOSUCH/));
  await link.send("text", ["SET", "text", "no number"]);
  await assert.rejects(link.run(SUM, ["text"], [1]), mistake(/sum/));
  assert.equal(await link.send("text", ["GET", "text"]), "no number");
});

redisTest(
  "while the server is gone everything fails at once, and goes on when it is back",
  async () => {
    await using server = await startRedis({ appendonly: true });
    await using link = await open(server.url);
    let ups = 0;
    link.onUp(() => ups++);
    await link.send("k", ["SET", "k", "kept"]);
    const blocked = link.send("k", ["BLPOP", "never", 0]);
    const broken = assert.rejects(blocked, isUnavailable);
    await server.stop();
    await broken;
    assert.equal(link.isUp, false);
    const startedAt = performance.now();
    await assert.rejects(link.send("k", ["GET", "k"]), isUnavailable);
    await assert.rejects(link.run(SUM, ["n"], [1]), isUnavailable);
    assert.ok(performance.now() - startedAt < 100);
    await server.start();
    await until("the link is up", () => link.isUp);
    assert.equal(ups, 1);
    assert.equal(await link.send("k", ["GET", "k"]), "kept");
  },
);

redisTest("a server that hangs is given up after a bounded time, until it goes on", async () => {
  await using server = await startRedis();
  await using link = await open(server.url, { timeoutMs: 300 });
  server.pause();
  const startedAt = performance.now();
  const results = await Promise.allSettled(
    Array.from({ length: 1_000 }, () => link.send("k", ["INCR", "k"])),
  );
  assert.ok(results.every((one) => one.status === "rejected" && isUnavailable(one.reason)));
  // The time of a command, until the next sweep, and some slack.
  assert.ok(performance.now() - startedAt < 1_500);
  // It accepts connections still, but none of them is up.
  assert.equal(link.isUp, false);
  assert.equal(link.pending, 0);
  await assert.rejects(link.send("k", ["GET", "k"]), isUnavailable);
  server.resume();
  await until("the link is up", () => link.isUp);
  assert.equal(await link.send("x", ["INCR", "x"]), 1);
});

redisTest("a server that is slow but answers is not given up", async () => {
  await using link = await open(shared().url, { timeoutMs: 300 });
  // TIME stands still during a script from Redis 7.2 on, and not everywhere is there an os.clock.
  const lua = `
    local has, clock = pcall(function() return os.clock end)
    local function seconds()
      if has then return clock() end
      local now = redis.call('TIME')
      return now[1] + now[2] / 1e6
    end
    local from = seconds()
    repeat until seconds() - from > 0.03
    return 1`;
  // It answers what it has read at once together, so each command is a read of its own.
  const filling = "x".repeat(65_536);
  const sent = Array.from({ length: 40 }, () => link.run({ name: "slow", lua }, ["k"], [filling]));
  assert.deepEqual(await Promise.all(sent), sent.map(() => 1));
});

redisTest("no more commands than the limit wait for an answer", async () => {
  await using link = await open(shared().url, { maxPending: 10 });
  const results = await Promise.allSettled(
    Array.from({ length: 15 }, () => link.send("k", ["PING"])),
  );
  const refused = results.filter((one) => one.status === "rejected");
  assert.equal(refused.length, 5);
  assert.ok(refused.every(({ reason }) => isUnavailable(reason)));
  assert.equal(await link.send("k", ["PING"]), "PONG");
});

redisTest("a server that is out of memory is unavailable for writes alone", async () => {
  await using server = await startRedis({ config: ["maxmemory 1kb"] });
  await using link = await open(server.url);
  await assert.rejects(link.send("k", ["SET", "k", "v"]), isUnavailable);
  await assert.rejects(link.run(SUM, ["k"], [1]), isUnavailable);
  assert.equal(await link.send("k", ["GET", "k"]), null);
  assert.equal(link.isUp, true);
});

redisTest("a master that has become a replica is left and discovered again", async () => {
  await using server = await startRedis();
  await using link = await open(server.url);
  await server.cli("replicaof", "127.0.0.1", 1);
  await assert.rejects(link.send("k", ["SET", "k", 1]), isUnavailable);
  assert.equal(link.isUp, false);
  await server.cli("replicaof", "no", "one");
  await until("the link is up", () => link.isUp);
  assert.equal(await link.send("k", ["SET", "k", 1]), "OK");
});

redisTest("name and password are sent, and the database is chosen", async () => {
  await using server = await startRedis({
    config: ["user default off", "user carillon on >p@ss ~* +@all"],
  });
  await using link = await open(`redis://carillon:p%40ss@127.0.0.1:${server.port}/3`);
  await link.send("k", ["SET", "k", 1]);
  assert.match(String(await link.send("k", ["CLIENT", "LIST"])), /db=3/);
});

redisTest("a wrong password is delivered without it", async () => {
  await using server = await startRedis({ config: ["requirepass right"] });
  for (const address of [`redis://:hunter2@127.0.0.1:${server.port}`, server.url]) {
    await assert.rejects(open(address, { openWithinMs: 1_500 }), (thrown) => {
      assert.ok(isUnavailable(thrown));
      assert.match(
        (thrown as Error).message,
        /^Cannot reach Redis at 127\.0\.0\.1:\d+: (WRONGPASS|NOAUTH)/,
      );
      assert.doesNotMatch(Deno.inspect(thrown, { depth: 10 }), /hunter2/);
      return true;
    });
  }
});

Deno.test("a server that is not there is delivered after a bounded time, without the password", async () => {
  const startedAt = performance.now();
  await assert.rejects(
    open("redis://:hunter2@127.0.0.1:1", { openWithinMs: 300 }),
    (thrown) => {
      assert.ok(isUnavailable(thrown));
      assert.match((thrown as Error).message, /^Cannot reach Redis at 127\.0\.0\.1:1: /);
      assert.doesNotMatch(Deno.inspect(thrown, { depth: 10 }), /hunter2/);
      return true;
    },
  );
  assert.ok(performance.now() - startedAt < 1_000);
});

redisTest("a connection that blocks waits its time and holds up nobody", async () => {
  await using link = await open(shared().url, { timeoutMs: 300 });
  await using waiting = link.dedicated("queue");
  const longer = waiting.send(["BLPOP", "queue", 1], { waitMs: 1_000 });
  assert.equal(await link.send("k", ["ECHO", "meanwhile"]), "meanwhile");
  assert.equal(await longer, null);
  const served = waiting.send(["BLPOP", "queue", 10], { waitMs: 10_000 });
  await link.send("queue", ["RPUSH", "queue", "x"]);
  assert.deepEqual(await served, ["queue", "x"]);
});

redisTest("a connection that blocks comes back after a break", async () => {
  await using server = await startRedis();
  await using link = await open(server.url);
  await using waiting = link.dedicated("queue");
  const broken = assert.rejects(
    waiting.send(["BLPOP", "queue", 0], { waitMs: 60_000 }),
    isUnavailable,
  );
  await until("it blocks", async () => (await clients(server)).includes("cmd=blpop"));
  await server.kill();
  await broken;
  await server.start();
  await until("the link is up", () => link.isUp);
  await link.send("queue", ["RPUSH", "queue", "x"]);
  const found = await until("it answers", () =>
    waiting.send(["LPOP", "queue"], { waitMs: 0 })
      .catch(() => undefined));
  assert.equal(found, "x");
});

redisTest(
  "a caller that repeats after each failure of a blocking connection is slowed down",
  async () => {
    await using server = await startRedis({ config: ["maxmemory 1kb"] });
    await using link = await open(server.url, { random: () => 0.9 });
    await using waiting = link.dedicated("queue");
    let refused = 0;
    for (const until = performance.now() + 500; performance.now() < until;) {
      await assert.rejects(waiting.send(["RPUSH", "queue", "x"], { waitMs: 0 }), isUnavailable);
      refused++;
    }
    // Pauses begin at 140 ms here and double.
    assert.ok(refused <= 5, `${refused} times`);
  },
);

redisTest("closing ends what waits, and leaves no connection behind", async () => {
  await using server = await startRedis();
  const link = await open(server.url);
  const waiting = link.dedicated("queue");
  const blocked = assert.rejects(
    waiting.send(["BLPOP", "q", 0], { waitMs: 60_000 }),
    isUnavailable,
  );
  await until("it blocks", async () => (await clients(server)).includes("cmd=blpop"));
  await link[Symbol.asyncDispose]();
  await blocked;
  assert.equal(link.isUp, false);
  await assert.rejects(link.send("k", ["PING"]), isUnavailable);
  await assert.rejects(waiting.send(["PING"], { waitMs: 0 }), isUnavailable);
  await until("nobody else is connected", async () => {
    return (await clients(server)).trim().split("\n").length === 1;
  });
});

redisTest("the time is the server's, whatever the clock on the wall says", async () => {
  const clock = new FakeClock(Date.UTC(1999, 0, 1));
  await using link = await openLink(shared().url, { clock, random: Math.random });
  assert.ok(Math.abs(link.now() - Date.now()) < 1_000);
  clock.jump(-86_400_000);
  assert.ok(Math.abs(link.now() - Date.now()) < 1_000);
});

redisTest("one goes through TLS to a server whose certificate is trusted", async () => {
  const { cert, key } = await makeCertificate();
  await withTempDir(async (folder) => {
    await Deno.writeTextFile(`${folder}/cert.pem`, cert);
    await Deno.writeTextFile(`${folder}/key.pem`, key);
    const port = freePort();
    await using _server = await startRedis({
      config: [
        `tls-port ${port}`,
        `tls-cert-file ${folder}/cert.pem`,
        `tls-key-file ${folder}/key.pem`,
        "tls-auth-clients no",
      ],
    });
    await using link = await open(`rediss://localhost:${port}`, { ca: cert });
    assert.equal(await link.send("k", ["PING"]), "PONG");
    const untrusted = open(`rediss://localhost:${port}`, { openWithinMs: 500 });
    await assert.rejects(untrusted, isUnavailable);
  });
});

redisTest("what becomes of the connection is logged once, and not at every attempt", async () => {
  await using server = await startRedis();
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const log: Log = { debug: add, info: add, warn: add, error: add, with: () => log };
  let waits = 0;
  await using link = await open(server.url, { log, random: () => 0.1 * ++waits % 1 });
  await server.kill();
  await until("several attempts have failed", () => waits >= 4);
  await server.start();
  await until("the link is up", () => link.isUp);
  assert.deepEqual(lines, ["Redis answers", "Redis cannot be reached", "Redis answers"]);
});

function open(url: string, options: Partial<OpenLinkOptions> = {}) {
  return openLink(url, { clock: systemClock, random: Math.random, ...options });
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof ServiceError && thrown.code === "store_unavailable" &&
    thrown.retryAfterSeconds !== undefined;
}

function clients(server: RedisServer): Promise<string> {
  return server.cli("client", "list", "type", "normal");
}
