/**
 * Messages between nodes: one Redis Stream per node, which only that node reads. A sender numbers
 * its messages to each node, so that the node detects lost ones (trimmed, or gone with a server's
 * memory) and reports them through `onGap`. Nothing is sent again: listeners read what they may
 * have missed. Handlers may receive a message twice.
 *
 *     channel.on("change", (body) => …);       // before start()
 *     channel.onGap(() => …);
 *     channel.start();
 *     await channel.send(node, "change", body); // rejects with store_unavailable
 */

import { setNewest } from "../../core/bounded_map.ts";
import { sleep } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import { type ChannelEntry, isLater, readEntries, sequenceGap } from "./_channel_entries.ts";
import { keyIn } from "../keys.ts";
import { type BlockingLink, listOf, type RedisLink, type Script } from "../link.ts";
import type { Nodes } from "./registered_nodes.ts";

/** The kind of a message. Each kind has one handler. */
type NodeMessageKind = "events" | "change";

interface NodeChannelOptions extends SystemDeps {
  readonly link: RedisLink;
  readonly nodes: Pick<Nodes, "id">;
  /**
   * Messages that wait for a node that does not read; beyond it the oldest are dropped.
   *
   * @default {10_000}
   */
  readonly length?: number;
}

/** Sends messages to other nodes, and receives theirs. */
export interface NodeChannel extends AsyncDisposable {
  /**
   * Sends a message to a node. Messages of one sender arrive in the order of the calls.
   *
   * @throws {ServiceError} `store_unavailable`; the message may have arrived all the same
   */
  send(node: string, kind: NodeMessageKind, body: string): Promise<void>;
  /** Sets the handler of a kind of messages. It must not throw. */
  on(kind: NodeMessageKind, handler: (body: string) => void): void;
  /** Calls back where messages to this node, of any kind, may be lost. */
  onGap(listener: () => void): void;
  start(): void;
  /** Stops reading and deletes this node's stream. Idempotent; never rejects. */
  stop(): Promise<void>;
}

/** Returns the key of the stream that a node reads. */
export function channelKey(node: string): string {
  return keyIn(`i${node}`, "channel");
}

/** A stream without new messages expires after this time, when its node is long gone. */
const KEEP_MS = 300_000;
const BLOCK_MS = 5_000;
/** Few, because they are handled without yielding. */
const MESSAGES_PER_READ = 50;
const TRIM_EVERY_MS = 1_000;
const RETRY_MS = 250;
const MAX_SENDERS = 1_000;
const BEGINNING = "0-0";

const SEND: Script = {
  name: "channel_send",
  lua: `
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*',
  'k', ARGV[3], 'f', ARGV[4], 'n', ARGV[5], 'b', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`,
};

/** The channel of this node. */
export class RedisNodeChannel implements NodeChannel {
  readonly #options: NodeChannelOptions;
  readonly #key: string;
  readonly #handlers = new Map<string, (body: string) => void>();
  readonly #gapListeners: (() => void)[] = [];
  /** Number of the last message to each node. */
  readonly #sent = new Map<string, number>();
  /** Number of the last message from each node. */
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
    setNewest(this.#sent, node, { value: number, max: MAX_SENDERS });
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
    // If Redis is unavailable, the stream expires by itself.
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
          await this.#findResumePoint(reader);
          isBroken = false;
          this.#notifyGap();
        }
        const command = ["COUNT", MESSAGES_PER_READ, "BLOCK", BLOCK_MS, "STREAMS", this.#key];
        const reply = await reader.send(["XREAD", ...command, this.#last], { waitMs: BLOCK_MS });
        this.#handle(readEntries(reply));
      } catch (thrown) {
        if (signal.aborted) return;
        if (!isBroken) {
          this.#options.log.warn("cannot read messages of other nodes, trying again", {
            reason: messageOf(thrown),
          });
        }
        isBroken = true;
        const delayMs = RETRY_MS * (0.5 + this.#options.random());
        await sleep(this.#options.clock, delayMs, signal).catch(() => {});
      }
    }
  }

  /**
   * After a break the stream may be another one, of a server that lost its memory or of a replica
   * whose clock is behind. Its ids may then be lower than the last one read, and would not be seen.
   */
  async #findResumePoint(reader: BlockingLink): Promise<void> {
    const command = ["XREVRANGE", this.#key, "+", "-", "COUNT", 1];
    const newest = await reader.send(command, { waitMs: 0 });
    const [id] = listOf(listOf(newest)[0]);
    if (typeof id !== "string" || isLater(this.#last, id)) this.#last = BEGINNING;
  }

  #handle(entries: readonly ChannelEntry[]): void {
    if (entries.length === 0) return;
    let isGap = false;
    for (const { id, kind, from, number, body } of entries) {
      this.#last = id;
      const before = this.#received.get(from) ?? 0;
      isGap = sequenceGap(before, number) || isGap;
      if (number > before) setNewest(this.#received, from, { value: number, max: MAX_SENDERS });
      this.#handlers.get(kind)?.(body);
    }
    if (isGap) this.#notifyGap();
    this.#trim();
  }

  /** Deletes messages that were read, so that a stream is about as large as what is under way. */
  #trim(): void {
    const { clock, link } = this.#options;
    if (clock.monotonic() - this.#trimmedAt < TRIM_EVERY_MS) return;
    this.#trimmedAt = clock.monotonic();
    // A failure only delays it until the next trim.
    link.send(this.#key, ["XTRIM", this.#key, "MINID", this.#last]).catch(() => {});
  }

  #notifyGap(): void {
    for (const listener of this.#gapListeners) listener();
  }
}
