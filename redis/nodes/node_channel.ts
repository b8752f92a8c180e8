/**
 * What nodes send each other: one Redis Stream per node, which only that node reads. A sender
 * numbers what it sends to a node, so that the node notices what was lost on the way (trimmed,
 * or gone with a server's memory) and says so through `onGap`; nothing is sent again, whoever
 * listens looks up what it may have missed. Handlers may see the same message twice.
 *
 *     inbox.on("change", (body) => …);       // before start()
 *     inbox.onGap(() => …);
 *     inbox.start();
 *     await inbox.send(node, "change", body); // rejects with store_unavailable
 *
 * Made by the composition and closed by it; the hub and the change feed only borrow it.
 */

import { type Clock, sleep } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { type ChannelEntry, isLater, readEntries, sequenceGap } from "./_entries.ts";
import { keyIn } from "../keys.ts";
import type { BlockingLink, RedisLink, Script } from "../link.ts";
import type { Nodes } from "./registered_nodes.ts";

/** What a message is about; each kind has one handler. */
export type NodeMessageKind = "events" | "change";

/** What an inbox needs. */
export interface NodeChannelOptions {
  readonly link: RedisLink;
  readonly nodes: Pick<Nodes, "id">;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
  /**
   * Messages that wait for a node that does not read; the oldest give way.
   * @default {10_000}
   */
  readonly length?: number;
}

/** The way to other nodes, and from them. */
export interface NodeChannel extends AsyncDisposable {
  /**
   * Puts a message into a node's inbox. Messages of one sender arrive in the order of the calls.
   *
   * @throws {ServiceError} `store_unavailable`; it may have arrived all the same
   */
  send(node: string, kind: NodeMessageKind, body: string): Promise<void>;
  /** Says who takes messages of a kind. Must not throw. */
  on(kind: NodeMessageKind, handler: (body: string) => void): void;
  /** Calls back where messages to this node may have been lost, of whatever kind. */
  onGap(listener: () => void): void;
  /** Begins to read. */
  start(): void;
  /** Stops reading and removes this node's inbox. Idempotent; never rejects. */
  stop(): Promise<void>;
}

/** Opens the inbox of this node. */
export function createNodeChannel(options: NodeChannelOptions): NodeChannel {
  return new RedisInbox(options);
}

/** The stream that a node reads. */
export function channelKey(node: string): string {
  return keyIn(`i${node}`, "inbox");
}

/** An inbox that nobody writes to vanishes after so long; its node is long gone by then. */
const KEEP_MS = 300_000;
const BLOCK_MS = 5_000;
/** Few, since they are handled in one go. */
const MESSAGES_PER_READ = 50;
const TRIM_EVERY_MS = 1_000;
const RETRY_MS = 250;
const MAX_SENDERS = 1_000;
const BEGINNING = "0-0";

const SEND: Script = {
  name: "inbox_send",
  lua: `
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*',
  'k', ARGV[3], 'f', ARGV[4], 'n', ARGV[5], 'b', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`,
};

class RedisInbox implements NodeChannel {
  readonly #options: NodeChannelOptions;
  readonly #key: string;
  readonly #handlers = new Map<string, (body: string) => void>();
  readonly #gapListeners: (() => void)[] = [];
  /** Number of the last message, by the node it went to. */
  readonly #sent = new Map<string, number>();
  /** Number of the last message, by the node it came from. */
  readonly #received = new Map<string, number>();
  readonly #stopping = new AbortController();
  #reader: BlockingLink | undefined;
  #reading: Promise<void> = Promise.resolve();
  #last = BEGINNING;
  #trimmedAt = -Infinity;

  constructor(options: NodeChannelOptions) {
    this.#options = options;
    this.#key = channelKey(options.nodes.id);
  }

  async send(node: string, kind: NodeMessageKind, body: string): Promise<void> {
    const { link, nodes, length = 10_000 } = this.#options;
    const number = (this.#sent.get(node) ?? 0) + 1;
    remember(this.#sent, node, number);
    await link.run(SEND, [channelKey(node)], [length, KEEP_MS, kind, nodes.id, number, body]);
  }

  on(kind: NodeMessageKind, handler: (body: string) => void): void {
    this.#handlers.set(kind, handler);
  }

  onGap(listener: () => void): void {
    this.#gapListeners.push(listener);
  }

  start(): void {
    if (this.#reader || this.#stopping.signal.aborted) return;
    this.#reader = this.#options.link.dedicated(this.#key);
    this.#reading = this.#read(this.#reader);
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return await this.#reading;
    this.#stopping.abort();
    await this.#reader?.[Symbol.asyncDispose]();
    await this.#reading;
    // Where Redis is away, it vanishes by itself.
    await this.#options.link.send(this.#key, ["DEL", this.#key]).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #read(reader: BlockingLink): Promise<void> {
    const { signal } = this.#stopping;
    let isBroken = false;
    while (!signal.aborted) {
      try {
        if (isBroken) {
          await this.#findPlace(reader);
          isBroken = false;
          this.#tellGap();
        }
        const command = ["COUNT", MESSAGES_PER_READ, "BLOCK", BLOCK_MS, "STREAMS", this.#key];
        const reply = await reader.send(["XREAD", ...command, this.#last], { waitMs: BLOCK_MS });
        this.#take(readEntries(reply));
      } catch (thrown) {
        if (signal.aborted) return;
        if (!isBroken) {
          this.#options.log.warn("the inbox cannot be read", { reason: messageOf(thrown) });
        }
        isBroken = true;
        const delayMs = RETRY_MS * (0.5 + this.#options.random());
        await sleep(this.#options.clock, delayMs, signal).catch(() => {});
      }
    }
  }

  /**
   * After a break the stream may be another one (a server that lost its memory, or a replica whose
   * clock is behind): its ids then may be lower than the last one read, and would not be seen.
   */
  async #findPlace(reader: BlockingLink): Promise<void> {
    const command = ["XREVRANGE", this.#key, "+", "-", "COUNT", 1];
    const newest = await reader.send(command, { waitMs: 0 });
    const id = Array.isArray(newest) && Array.isArray(newest[0]) ? newest[0][0] : undefined;
    if (typeof id !== "string" || isLater(this.#last, id)) this.#last = BEGINNING;
  }

  #take(entries: readonly ChannelEntry[]): void {
    if (entries.length === 0) return;
    let isGap = false;
    for (const { id, kind, from, number, body } of entries) {
      this.#last = id;
      const before = this.#received.get(from) ?? 0;
      isGap = sequenceGap(before, number) || isGap;
      if (number > before) remember(this.#received, from, number);
      this.#handlers.get(kind)?.(body);
    }
    if (isGap) this.#tellGap();
    this.#trim();
  }

  /** What has been read is not kept, so that an inbox is about as large as what is under way. */
  #trim(): void {
    const { clock, link } = this.#options;
    if (clock.monotonic() - this.#trimmedAt < TRIM_EVERY_MS) return;
    this.#trimmedAt = clock.monotonic();
    // Fails at most until the next one.
    link.send(this.#key, ["XTRIM", this.#key, "MINID", this.#last]).catch(() => {});
  }

  #tellGap(): void {
    for (const listener of this.#gapListeners) listener();
  }
}

/** Sets the newest, and forgets the one that was set longest ago where there are too many. */
function remember(numbers: Map<string, number>, node: string, number: number): void {
  numbers.delete(node);
  numbers.set(node, number);
  if (numbers.size > MAX_SENDERS) numbers.delete(numbers.keys().next().value!);
}
