/**
 * The processes of a run: a Redis (or none, for one node on its data file) and its nodes, each
 * started like `deno task start`. It carries out the actions of the plan and undoes them
 * afterwards.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type RedisServer, startRedis } from "../tests/support/redis_server.ts";
import { prepareProcess, type ServiceProcess } from "../tests/support/start_process.ts";
import type { Action } from "./plan.ts";
import type { Crash, Exit } from "./run_record.ts";

interface ClusterOptions {
  readonly nodes: number;
  readonly redis: boolean;
  /** How long a client may be disconnected and still receive everything. */
  readonly windowMs: number;
  /** `delayDuration`. With 0, a node that has room claims what it accepts. */
  readonly delayMs: number;
  /** Milliseconds since the run began. */
  readonly now: () => number;
}

/** Properties of every node: short times, so that a short run covers much. */
export const PROPERTIES = {
  "com.openexchange.pns.timerFrequency": 50,
  "io.carillon.websocket.pingInterval": 2_000,
  "io.carillon.websocket.pingTimeout": 2_000,
  "io.carillon.websocket.maxSocketsPerUser": 100,
  "io.carillon.drain.notice": 2_000,
  "io.carillon.drain.within": 3_000,
} as const;

/** A node that is asked to stop must have stopped by then: `main.ts` enforces it. */
const GOES_WITHIN_MS = 45_000;

/** The processes of one run. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly ServiceProcess[];
  /** How the nodes ended that were asked to stop. */
  readonly exits: Exit[] = [];
  /** The nodes that ended without being asked. */
  readonly crashes: Crash[] = [];
  /** The output of each process that has ended. */
  readonly logs: { readonly node: number; readonly text: string }[] = [];
  readonly #redis: RedisServer | undefined;
  readonly #now: () => number;
  /** Nodes that are expected to end. */
  readonly #going = new Set<number>();
  readonly #restarts = new Map<number, Promise<void>>();

  /** @param options.now milliseconds since the run began */
  constructor(
    nodes: readonly ServiceProcess[],
    { redis, now }: { readonly redis: RedisServer | undefined; readonly now: () => number },
  ) {
    this.nodes = nodes;
    this.#redis = redis;
    this.#now = now;
    for (const whom of nodes.keys()) this.#watch(whom);
  }

  /** Carries out one action of the plan; resolves when it is undone. */
  async carryOut({ kind, whom, forMs }: Action): Promise<void> {
    const redis = this.#redis!;
    // A node that crashed is being restarted.
    if (!kind.startsWith("redis")) await this.#restarts.get(whom);
    if (kind === "kill") await this.#kill(whom, forMs);
    else if (kind === "term") await this.#leave(whom, forMs, (node) => node.signal("SIGTERM"));
    else if (kind === "drain") {
      await this.#leave(whom, forMs, async (node) => {
        // While Redis is unavailable the node cannot authenticate; an operator would retry, too.
        while ((await node.call("POST", "/v1/admin/drain")).status !== 202) await sleep(500);
      });
    } else if (kind === "pause") {
      this.nodes[whom]!.signal("SIGSTOP");
      await sleep(forMs);
      this.nodes[whom]!.signal("SIGCONT");
    } else if (kind === "redis-pause") {
      redis.pause();
      await sleep(forMs);
      redis.resume();
    } else {
      await (kind === "redis-kill" ? redis.kill() : redis.stop());
      await sleep(forMs);
      await redis.start();
    }
  }

  /** The output of all nodes. */
  allLogs(): readonly { readonly node: number; readonly text: string }[] {
    return [...this.logs, ...this.nodes.map(({ log }, node) => ({ node, text: log }))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const whom of this.nodes.keys()) this.#going.add(whom);
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.#redis?.[Symbol.asyncDispose]();
  }

  async #kill(whom: number, forMs: number): Promise<void> {
    const node = this.nodes[whom]!;
    this.#going.add(whom);
    this.logs.push({ node: whom, text: (await node.end("SIGKILL")).stderr });
    await sleep(forMs);
    await this.#start(whom);
  }

  async #leave(
    whom: number,
    forMs: number,
    ask: (node: ServiceProcess) => void | Promise<void>,
  ): Promise<void> {
    const node = this.nodes[whom]!;
    this.#going.add(whom);
    await ask(node);
    const from = this.#now();
    const ended = await Promise.race([node.ended(), sleep(GOES_WITHIN_MS)]);
    const to = this.#now();
    this.exits.push({ node: whom, from, to, ...(ended && { code: ended.code }) });
    this.logs.push({ node: whom, text: (ended ?? await node.end("SIGKILL")).stderr });
    await sleep(forMs);
    await this.#start(whom);
  }

  /** Records that a node ended unexpectedly, and restarts it as systemd would. */
  #watch(whom: number): void {
    const node = this.nodes[whom]!;
    void node.ended().then(({ code, stderr }) => {
      if (this.#going.has(whom)) return;
      this.#going.add(whom);
      const lastWords = stderr.trimEnd().split("\n").slice(-3).join(" ").slice(0, 600);
      this.crashes.push({ node: whom, at: this.#now(), code, lastWords });
      this.logs.push({ node: whom, text: stderr });
      this.#restarts.set(whom, this.#start(whom));
    });
  }

  /**
   * A node that starts while Redis is unavailable ends by itself; it is restarted as by systemd.
   */
  async #start(whom: number): Promise<void> {
    for (let attempt = 1;; attempt++) {
      try {
        await this.nodes[whom]!.start();
        this.#going.delete(whom);
        return this.#watch(whom);
      } catch (thrown) {
        this.logs.push({ node: whom, text: this.nodes[whom]!.log });
        await reap(this.nodes[whom]!);
        if (attempt === 20) throw thrown;
        await sleep(500);
      }
    }
  }
}

/** Starts Redis, then all nodes. */
export async function startCluster(
  { nodes, redis, windowMs, delayMs, now }: ClusterOptions,
): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  // A killed process loses nothing that it had written before it answered.
  const server = redis
    ? started.use(await startRedis({ appendonly: true, config: ["appendfsync always"] }))
    : undefined;
  const processes: ServiceProcess[] = [];
  for (let node = 0; node < nodes; node++) {
    processes.push(started.use(
      await prepareProcess({
        properties: {
          ...PROPERTIES,
          "com.openexchange.pns.delayDuration": delayMs,
          "io.carillon.resume.window": windowMs,
        },
        ...(server && { variables: { CARILLON_STORE: server.url } }),
      }),
    ));
  }
  await Promise.all(processes.map((process) => process.start()));
  started.move();
  return new Cluster(processes, { redis: server, now });
}

/** Kills a process that did not listen in time, if it is still running. */
async function reap(node: ServiceProcess): Promise<void> {
  try {
    await node.end("SIGKILL");
  } catch {
    // It has ended.
  }
}
