import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { createLog } from "../../core/log.ts";
import { NODES_KEY } from "../../redis/keys.ts";
import { openLink } from "../../redis/mod.ts";
import { joinNodes, type RegisteredNodes } from "../../redis/nodes/registered_nodes.ts";
import { mortalClock } from "../support/mortal_clock.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
function random() {
  return 0.5;
}

const LEASE_MS = 400;

/** A node of its own link, which can be killed: from then on it is silent, but does not leave. */
class TestNode implements AsyncDisposable {
  lapses = 0;
  readonly kill: () => void;
  readonly #lines: readonly string[];

  constructor(
    readonly nodes: RegisteredNodes,
    readonly link: Awaited<ReturnType<typeof openLink>>,
    { kill, lines }: { readonly kill: () => void; readonly lines: readonly string[] },
  ) {
    this.kill = kill;
    this.#lines = lines;
    nodes.onLeaseLost(() => this.lapses++);
  }

  static async join(id: string, { leaseMs = LEASE_MS } = {}): Promise<TestNode> {
    const clock = mortalClock(systemClock);
    const link = await openLink(redis().url, { clock: systemClock, random, timeoutMs: 300 });
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line), now: () => 0 });
    const nodes = await joinNodes({ link, clock, random, log, id, leaseMs });
    return new TestNode(nodes, link, { kill: () => clock.kill(), lines });
  }

  /** Whether it ever took another one for gone. */
  get sawSomebodyGo(): boolean {
    return this.#lines.some((line) => line.includes("are gone"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nodes[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
  }
}

async function twoNodes(): Promise<[TestNode, TestNode]> {
  await redis().flush();
  const a = await TestNode.join("a");
  const b = await TestNode.join("b");
  await a.nodes.refresh();
  return [a, b];
}

redisTest("nodes see each other, and each sees itself", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  assert.deepEqual(a.nodes.alive().toSorted(), ["a", "b"]);
  assert.deepEqual(b.nodes.alive().toSorted(), ["a", "b"]);
  assert.ok(a.nodes.isAlive("b") && b.nodes.isAlive("a") && a.nodes.isAlive("a"));
});

redisTest("a node that nobody has heard of is not there", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  assert.equal(a.nodes.isAlive("c"), false);
  assert.equal(a.nodes.seenAt("c"), undefined);
});

redisTest("a node renews its sign of life by itself", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  const first = a.nodes.seenAt("b")!;
  await until(
    "its sign of life is later than a lease",
    () => a.nodes.seenAt("b")! > first + LEASE_MS,
  );
  assert.equal(a.sawSomebodyGo, false);
});

redisTest(
  "a node that was killed is gone after its lease, and it is known when it was seen",
  async () => {
    const [a, b] = await twoNodes();
    await using _a = a;
    await using _b = b;
    await b.nodes.refresh();
    b.kill();
    const seen = b.nodes.seenAt("b")!;
    await until("b is gone", () => !a.nodes.isAlive("b"));
    assert.deepEqual(a.nodes.alive(), ["a"]);
    assert.ok(a.nodes.seenAt("b")! >= seen);
    assert.ok(a.link.now() - a.nodes.seenAt("b")! >= LEASE_MS);
  },
);

redisTest("a node that leaves is gone at once, and it is known when it left", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  const before = a.link.now();
  await b[Symbol.asyncDispose]();
  await a.nodes.refresh();
  assert.equal(a.nodes.isAlive("b"), false);
  assert.equal(b.nodes.isAlive("b"), false);
  assert.ok(Math.abs(a.nodes.seenAt("b")! - before) < 1000);
});

redisTest("a node that was silent for longer than its lease learns that", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  b.kill();
  await until("b is gone", () => !a.nodes.isAlive("b"));
  assert.equal(b.lapses, 0);
  await b.nodes.refresh();
  assert.equal(b.lapses, 1);
  await b.nodes.refresh();
  assert.equal(b.lapses, 1);
  assert.equal(a.lapses, 0);
  await a.nodes.refresh();
  assert.ok(a.nodes.isAlive("b"));
});

redisTest(
  "where Redis has lost its memory, every node learns that it was out of sight",
  async () => {
    const [a, b] = await twoNodes();
    await using _a = a;
    await using _b = b;
    await redis().flush();
    await until("both have lapsed", () => a.lapses === 1 && b.lapses === 1);
    await until("both are there again", () => a.nodes.isAlive("b") && b.nodes.isAlive("a"));
    assert.equal(a.sawSomebodyGo || b.sawSomebodyGo, false);
  },
);

redisTest("while Redis is away nobody is taken for gone, and on its return neither", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  await redis().kill();
  await until("the link is down", () => !a.link.isUp && !b.link.isUp);
  await assert.rejects(a.nodes.refresh(), { code: "store_unavailable" });
  assert.deepEqual(a.nodes.alive().toSorted(), ["a", "b"]);
  await redis().start();
  await until("both have lapsed", () => a.lapses === 1 && b.lapses === 1);
  await until("both are there", () => a.nodes.isAlive("b") && b.nodes.isAlive("a"));
  assert.equal(a.sawSomebodyGo || b.sawSomebodyGo, false);
});

redisTest("a node that died while Redis was away is found gone later", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  b.kill();
  await b.link[Symbol.asyncDispose]();
  await redis().start();
  await until("a is back", () => a.lapses === 1);
  await until("b is gone", () => !a.nodes.isAlive("b"));
});

redisTest("nodes that were last seen more than an hour ago are forgotten", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  const long = a.link.now() - 3_601_000;
  const lately = a.link.now() - 3_000_000;
  await redis().cli("zadd", NODES_KEY, long, "dead", -long, "left", -lately, "left lately");
  await a.nodes.refresh();
  await a.nodes.refresh();
  assert.equal(a.nodes.seenAt("dead"), undefined);
  assert.equal(a.nodes.seenAt("left"), undefined);
  assert.equal(a.nodes.seenAt("left lately"), lately);
});

redisTest("of many who want a fresh view each gets one, by few calls", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  const before = Number(
    /cmdstat_zadd:calls=(\d+)/.exec(await redis().cli("info", "commandstats"))![1],
  );
  await Promise.all(Array.from({ length: 100 }, () => a.nodes.refresh()));
  const after = Number(
    /cmdstat_zadd:calls=(\d+)/.exec(await redis().cli("info", "commandstats"))![1],
  );
  assert.ok(after - before < 10, `${after - before} calls`);
});

redisTest("a sign of life that a hanging server takes late is from when it was given", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  const before = a.link.now();
  redis().pause();
  const leaving = b[Symbol.asyncDispose]();
  await leaving;
  await until("the server has hung for a while", () => systemClock.now() - before > 900);
  redis().resume();
  await until("it is known that the node has left", async () => {
    await a.nodes.refresh().catch(() => {});
    return !a.nodes.isAlive("b");
  });
  assert.ok(a.nodes.seenAt("b")! - before < 600, "not from when it was executed");
});
