/**
 * Sends changes to other nodes over their channels. While Redis is unavailable changes wait, and
 * later ones join them. Where this node may have missed changes, because its channel broke or its
 * lease was lost, its listeners receive a change of kind `unknown`.
 */

import { ChangePublisher } from "../../core/change_publisher.ts";
import { type Change, type ChangeFeed, readChange } from "../../core/change_feed.ts";
import { parseJsonObject } from "../../core/json.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import type { NodeChannel } from "./node_channel.ts";
import type { Nodes } from "./registered_nodes.ts";
import { logUnlessOutage } from "../link.ts";

/** Options of {@link ChannelChangeFeed}. The caller keeps and closes all of them. */
interface ChangeFeedOptions extends SystemDeps {
  readonly channel: Pick<NodeChannel, "send" | "on" | "onGap">;
  readonly nodes: Pick<Nodes, "id" | "alive" | "refresh" | "onLeaseLost">;
}

const KIND = "change";
const UNKNOWN: Change = { kind: "unknown" };

/** A change feed, to be made before the channel is started. Disposing it sends what it can at once. */
export class ChannelChangeFeed implements ChangeFeed, AsyncDisposable {
  readonly #options: ChangeFeedOptions;
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #publisher: ChangePublisher;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
    const { channel, nodes, clock, random, log } = options;
    this.#publisher = new ChangePublisher({
      send: (changes) => this.#send(changes),
      onFault: (thrown) =>
        logUnlessOutage(thrown, { log, message: "cannot send changes to other nodes" }),
      clock,
      random,
    });
    channel.on(KIND, (body) => this.#receive(body));
    channel.onGap(() => this.#notify(UNKNOWN));
    nodes.onLeaseLost(() => this.#notify(UNKNOWN));
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
    // A node that has just started may have read what has changed since.
    await nodes.refresh();
    const body = JSON.stringify({ changes });
    const others = nodes.alive().filter((node) => node !== nodes.id);
    await Promise.all(others.map((node) => channel.send(node, KIND, body)));
  }

  #receive(body: string): void {
    const changes = parseJsonObject(body)?.changes;
    if (!Array.isArray(changes)) return this.#notify(UNKNOWN);
    for (const change of changes) this.#notify(readChange(change));
  }

  #notify(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
