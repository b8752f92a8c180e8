/**
 * Nodes that are alive while a test says so, links that break, and several buffers on one Redis and
 * one fake clock.
 */

import type { BatchHandler, BufferSettings } from "../../buffer/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import { createIdSource } from "../../core/ids.ts";
import type { Notification } from "../../core/notification.ts";
import { RedisBuffer } from "../../redis/buffer/buffer.ts";
import type { RedisLink } from "../../redis/link.ts";
import type { Nodes } from "../../redis/nodes/registered_nodes.ts";
import { DEFAULTS, delivered } from "../contract/_buffer_bench.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";
import { openTestLink } from "../support/redis_link.ts";
import { type RedisServer, redisTest, sharedRedis } from "../support/redis_server.ts";

/** Notifications do not wait for similar ones. */
export const NOW = { delayDuration: 0, maxDelayDuration: 0 };

/** The tests of a file, each of which has a site of its own on one Redis that is empty before. */
export function siteTests() {
  const redis: () => RedisServer = sharedRedis();
  function test(name: string, body: (site: Site) => Promise<void>): void {
    redisTest(name, async () => {
      await redis().flush();
      await using site = await Site.on(redis().url);
      await body(site);
    });
  }
  return { redis, test };
}

/** The nodes of a test. Each view is up to date. */
export class NodeRegister {
  readonly #alive = new Set<string>();
  #count = 0;

  join(): FakeNode {
    const id = `node${++this.#count}`;
    this.#alive.add(id);
    const listeners: (() => void)[] = [];
    let unseen = "";
    const isAlive = (node: string) => node !== unseen && this.#alive.has(node);
    return {
      id,
      leaseMs: 10_000,
      seenAt: (node) => isAlive(node) ? 0 : undefined,
      isAlive,
      alive: () => [...this.#alive].filter(isAlive),
      refresh: () => Promise.resolve(unseen = "").then(() => {}),
      hide: (node) => void (unseen = node),
      onLeaseLost: (listener) => void listeners.push(listener),
      vanish: () => void this.#alive.delete(id),
      comeBack: () => {
        this.#alive.add(id);
        for (const listener of listeners) listener();
      },
    };
  }
}

/** A node under control of the test. */
export interface FakeNode extends Nodes {
  /** Other nodes consider it dead. */
  vanish(): void;
  /** It is seen again, and learns that its lease was lost. */
  comeBack(): void;
  /** It does not see a node until its next refresh. */
  hide(node: string): void;
}

/** A link of one process that the test can break. */
export interface FlakyLink extends RedisLink {
  /** From now on every command fails, or works again. */
  break(broken: boolean): void;
  /** Commands for these keys fail. */
  refuse(isRefused: (key: string) => boolean): void;
  /** The answer to the next script with this name is lost. */
  loseAnswer(script: string): void;
  /** Answers to scripts with this name wait until the returned function is called. */
  holdAnswers(script: string): () => void;
  /** No command gets an answer any more. */
  kill(): void;
}

/** A link over another one, which the caller keeps and closes. */
export function flakyLink(link: RedisLink, now: () => number = () => link.now()): FlakyLink {
  const listeners: (() => void)[] = [];
  let broken = false;
  let dead = false;
  let lost = "";
  let held = "";
  let release = Promise.withResolvers<void>();
  let isRefused: (key: string) => boolean = () => false;

  async function through<T>(key: string, ask: () => Promise<T>, name = ""): Promise<T> {
    if (dead) return new Promise(() => {});
    if (broken || isRefused(key)) throw unavailable();
    const answer = await ask();
    if (dead) return new Promise(() => {});
    if (name !== "" && name === held) await release.promise;
    if (name === "" || name !== lost) return answer;
    lost = "";
    throw unavailable();
  }

  return {
    run: (script, keys, args) => through(keys[0]!, () => link.run(script, keys, args), script.name),
    send: (key, command) => through(key, () => link.send(key, command)),
    dedicated: (key) => link.dedicated(key),
    get isUp() {
      return !broken && !dead && link.isUp;
    },
    onUp(listener) {
      listeners.push(listener);
      link.onUp(() => !dead && listener());
    },
    now,
    get pending() {
      return link.pending;
    },
    break(is) {
      broken = is;
      if (!is) { for (const listener of listeners) listener(); }
    },
    refuse: (is) => void (isRefused = is),
    loseAnswer: (script) => void (lost = script),
    holdAnswers(script) {
      held = script;
      release = Promise.withResolvers();
      return () => {
        held = "";
        release.resolve();
      };
    },
    kill: () => void (dead = true),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function unavailable(): ServiceError {
  return new ServiceError("store_unavailable", "Redis is unavailable", { retryAfterSeconds: 1 });
}

/** Resolves when no command is under way for several turns of the event loop. */
export async function idle(link: RedisLink): Promise<void> {
  for (let quiet = 0; quiet < 4; quiet++) {
    await settle(1);
    if (link.pending > 0) quiet = 0;
  }
}

/** One process with a buffer. */
export interface TestNode {
  readonly buffer: RedisBuffer;
  readonly node: FakeNode;
  readonly link: FlakyLink;
  /** What its handler received, in order. */
  readonly handled: { readonly notification: Notification; readonly isRepeat: boolean }[];
  readonly faults: unknown[];
  /** Notifications that were merged, reclaimed from dead nodes, and lost with the lease. */
  readonly counts: { merged: number; reclaimed: number; lost: number };
  /** Ends it like `kill -9`, long enough ago for the others to know. */
  kill(): void;
}

/** The state of a notification: that of its record, or "in flight". */
export async function stateOf(buffer: RedisBuffer, id: string): Promise<string | undefined> {
  const found = await buffer.find(id);
  return found && ("state" in found ? found.state : "in flight");
}

/** Ids of what a node has processed, in order. */
export function idsOf({ handled }: TestNode): readonly string[] {
  return handled.map(({ notification }) => notification.id);
}

/** A handler that does nothing. */
export function doNothing(): BatchHandler {
  return () => {};
}

/** Several nodes on one Redis. */
export class Site implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly register = new NodeRegister();
  readonly ids = createIdSource(this.clock);
  readonly link: RedisLink;
  readonly #started: TestNode[] = [];

  constructor(link: RedisLink) {
    this.link = link;
  }

  static async on(url: string): Promise<Site> {
    return new Site(await openTestLink(url));
  }

  /** Starts a node; by default it settles at once. */
  async start(
    { settings = {}, handle, random = () => 0 }: {
      readonly settings?: Partial<BufferSettings>;
      readonly handle?: (buffer: RedisBuffer) => BatchHandler;
      readonly random?: () => number;
    } = {},
  ): Promise<TestNode> {
    const clock = mortalClock(this.clock);
    const epoch = this.clock.now() - this.clock.monotonic();
    const link = flakyLink(this.link, () => epoch + this.clock.monotonic());
    const node = this.register.join();
    const counts = { merged: 0, reclaimed: 0, lost: 0 };
    const faults: unknown[] = [];
    const buffer = new RedisBuffer({
      ...{ link, nodes: node, clock, random, jobSize: 16 },
      settings: () => ({ ...DEFAULTS, maxNotifications: 100_000, ...settings }),
      retentionMs: () => 60_000,
      yieldToEventLoop: () => settle(1),
      onMerged: () => counts.merged++,
      onReclaimed: (count) => counts.reclaimed += count,
      onLeaseLost: (count) => counts.lost += count,
      onFault: (thrown) => faults.push(thrown),
    });
    const handled: TestNode["handled"] = [];
    const work = handle?.(buffer) ?? ((batch) => {
      for (const notification of batch) buffer.settle(delivered(notification));
    });
    const started: TestNode = {
      ...{ buffer, node, link, handled, faults, counts },
      kill: () => {
        clock.kill();
        link.kill();
        node.vanish();
        this.#started.splice(this.#started.indexOf(started), 1);
      },
    };
    await buffer.start((batch, { isRepeat }) => {
      for (const notification of batch) handled.push({ notification, isRepeat });
      return work(batch, { isRepeat });
    });
    this.#started.push(started);
    return started;
  }

  make(fields: Partial<Notification> = {}): Notification {
    return {
      ...{ id: this.ids(), context: "1", user: "3", topic: "ox:mail:new", data: "{}" },
      ...{ priority: "high", acceptedAt: this.clock.now() },
      ...fields,
    };
  }

  /** Advances the clock in steps, and waits in each until no command is under way. */
  async pass(ms: number): Promise<void> {
    await idle(this.link);
    for (let left = ms; left > 0; left -= 25) {
      await this.clock.advance(Math.min(left, 25));
      await idle(this.link);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { buffer } of this.#started) await buffer[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
  }
}
