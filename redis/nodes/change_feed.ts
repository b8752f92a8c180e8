/**
 * Changes that nodes tell each other, over their inboxes. An announcement waits while Redis is
 * away, together with those that come after it. Where this node may have missed some, because its
 * inbox broke or because it was out of sight for longer than its lease, its listeners are told so.
 */

import { ChangePublisher } from "../../core/change_publisher.ts";
import { type Change, type ChangeFeed, readChange } from "../../core/change_feed.ts";
import type { Clock } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import { parseJsonObject } from "../../core/json.ts";
import type { Log } from "../../core/log.ts";
import type { NodeChannel } from "./node_channel.ts";
import type { Nodes } from "./registered_nodes.ts";

/** What a feed needs; it borrows all of it. */
export interface ChangeFeedOptions {
  readonly channel: Pick<NodeChannel, "send" | "on" | "onGap">;
  readonly nodes: Pick<Nodes, "id" | "alive" | "refresh" | "onLeaseLost">;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

/** A feed, and its life. Disposing sends what can be sent at once. */
type DisposableFeed = ChangeFeed & AsyncDisposable;

/** To be made before the inbox is started. */
export function createChangeFeed(options: ChangeFeedOptions): DisposableFeed {
  return new ChannelFeed(options);
}

const KIND = "change";
const UNKNOWN: Change = { kind: "unknown" };

class ChannelFeed implements DisposableFeed {
  readonly #options: ChangeFeedOptions;
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #publisher: ChangePublisher;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
    const { channel, nodes, clock, random, log } = options;
    this.#publisher = new ChangePublisher({
      send: (changes) => this.#send(changes),
      onFault(thrown) {
        // That Redis is away is told by the link.
        if (thrown instanceof ServiceError) return;
        log.error("changes could not be told to other nodes", { reason: messageOf(thrown) });
      },
      clock,
      random,
    });
    channel.on(KIND, (body) => this.#receive(body));
    channel.onGap(() => this.#tell(UNKNOWN));
    nodes.onLeaseLost(() => this.#tell(UNKNOWN));
  }

  publish(change: Change): void {
    this.#publisher.add(change);
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#publisher[Symbol.asyncDispose]();
  }

  async #send(changes: readonly Change[]): Promise<void> {
    const { channel, nodes } = this.#options;
    // One that has just come may have read already what has changed since.
    await nodes.refresh();
    const body = JSON.stringify({ changes });
    const others = nodes.alive().filter((node) => node !== nodes.id);
    await Promise.all(others.map((node) => channel.send(node, KIND, body)));
  }

  #receive(body: string): void {
    const changes = parseJsonObject(body)?.changes;
    if (!Array.isArray(changes)) return this.#tell(UNKNOWN);
    for (const change of changes) this.#tell(readChange(change));
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
