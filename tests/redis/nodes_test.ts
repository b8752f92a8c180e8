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

/** A node with its own link. Once killed it sends no heartbeats, but does not leave. */
class TestNode implements AsyncDisposable {
  leasesLost = 0;
  readonly kill: () => void;
  readonly #lines: readonly string[];

  constructor(
    readonly nodes: RegisteredNodes,
    readonly link: Awaited<ReturnType<typeof openLink>>,
    { kill, lines }: { readonly kill: () => void; readonly lines: readonly string[] },
  ) {
    this.kill = kill;
    this.#lines = lines;
    nodes.onLeaseLost(() => this.leasesLost++);
  }

  static async join(id: string, { leaseMs = LEASE_MS } = {}): Promise<TestNode> {
    const clock = mortalClock(systemClock);
    const link = await openLink(redis().url, { clock: systemClock, random, timeoutMs: 300 });
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line), now: () => 0 });
    const nodes = await joinNodes({ link, clock, random, log, id, leaseMs });
    return new TestNode(nodes, link, { kill: () => clock.kill(), lines });
  }

  /** Whether it ever considered another one dead. */
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

redisTest("an unknown node is not alive", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  assert.equal(a.nodes.isAlive("c"), false);
  assert.equal(a.nodes.seenAt("c"), undefined);
});

redisTest("a node renews its heartbeat by itself", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  const first = a.nodes.seenAt("b")!;
  await until(
    "its heartbeat is later than a lease",
    () => a.nodes.seenAt("b")! > first + LEASE_MS,
  );
  assert.equal(a.sawSomebodyGo, false);
});

redisTest(
  "a killed node is dead after its lease, and the time of its last heartbeat is known",
  async () => {
    const [a, b] = await twoNodes();
    await using _a = a;
    await using _b = b;
    await b.nodes.refresh();
    b.kill();
    const seen = b.nodes.seenAt("b")!;
    await until("b is dead", () => !a.nodes.isAlive("b"));
    assert.deepEqual(a.nodes.alive(), ["a"]);
    assert.ok(a.nodes.seenAt("b")! >= seen);
    assert.ok(a.link.now() - a.nodes.seenAt("b")! >= LEASE_MS);
  },
);

redisTest("a node that leaves is dead at once, and the time is known", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  const before = a.link.now();
  await b[Symbol.asyncDispose]();
  await a.nodes.refresh();
  assert.equal(a.nodes.isAlive("b"), false);
  assert.equal(b.nodes.isAlive("b"), false);
  assert.ok(Math.abs(a.nodes.seenAt("b")! - before) < 1000);
});

redisTest(
  "a node without a heartbeat for longer than its lease learns that its lease was lost",
  async () => {
    const [a, b] = await twoNodes();
    await using _a = a;
    await using _b = b;
    b.kill();
    await until("b is dead", () => !a.nodes.isAlive("b"));
    assert.equal(b.leasesLost, 0);
    await b.nodes.refresh();
    assert.equal(b.leasesLost, 1);
    await b.nodes.refresh();
    assert.equal(b.leasesLost, 1);
    assert.equal(a.leasesLost, 0);
    await a.nodes.refresh();
    assert.ok(a.nodes.isAlive("b"));
  },
);

redisTest(
  "every node learns that its lease was lost where Redis has lost its memory",
  async () => {
    const [a, b] = await twoNodes();
    await using _a = a;
    await using _b = b;
    await redis().flush();
    await until("both have lost their leases", () => a.leasesLost === 1 && b.leasesLost === 1);
    await until("both are alive again", () => a.nodes.isAlive("b") && b.nodes.isAlive("a"));
    assert.equal(a.sawSomebodyGo || b.sawSomebodyGo, false);
  },
);

redisTest("no node is declared dead during an outage of Redis or at its end", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  await redis().kill();
  await until("the link is down", () => !a.link.isUp && !b.link.isUp);
  await assert.rejects(a.nodes.refresh(), { code: "store_unavailable" });
  assert.deepEqual(a.nodes.alive().toSorted(), ["a", "b"]);
  await redis().start();
  await until("both have lost their leases", () => a.leasesLost === 1 && b.leasesLost === 1);
  await until("both are alive", () => a.nodes.isAlive("b") && b.nodes.isAlive("a"));
  assert.equal(a.sawSomebodyGo || b.sawSomebodyGo, false);
});

redisTest("a node that died during an outage of Redis is declared dead later", async () => {
  const [a, b] = await twoNodes();
  await using _a = a;
  await using _b = b;
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  b.kill();
  await b.link[Symbol.asyncDispose]();
  await redis().start();
  await until("a is back", () => a.leasesLost === 1);
  await until("b is dead", () => !a.nodes.isAlive("b"));
});

redisTest("nodes without a heartbeat for more than an hour are removed", async () => {
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

redisTest("many callers of refresh share few calls, and each gets a fresh view", async () => {
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

redisTest("a heartbeat that a hanging server runs late counts from when it was sent", async () => {
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
