/**
 * Changes that nodes tell each other, over their inboxes. An announcement waits while Redis is
 * away, together with those that come after it. Where this node may have missed some, because its
 * inbox broke or because it was out of sight for longer than its lease, its listeners are told so.
 */

import { Announcements } from "../../core/announcements.ts";
import { type Change, type ChangeFeed, readChange } from "../../core/changes.ts";
import type { Clock } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import { parseJsonObject } from "../../core/json.ts";
import type { Log } from "../../core/log.ts";
import type { Inbox } from "./inbox.ts";
import type { Nodes } from "../nodes.ts";

/** What a feed needs; it borrows all of it. */
export interface ChangeFeedOptions {
  readonly inbox: Pick<Inbox, "send" | "on" | "onGap">;
  readonly nodes: Pick<Nodes, "id" | "alive" | "refresh" | "onLapse">;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

/** A feed, and its life. Disposing sends what can be sent at once. */
export type DisposableFeed = ChangeFeed & AsyncDisposable;

/** To be made before the inbox is started. */
export function createChangeFeed(options: ChangeFeedOptions): DisposableFeed {
  return new InboxFeed(options);
}

const KIND = "change";
const UNKNOWN: Change = { kind: "unknown" };

class InboxFeed implements DisposableFeed {
  readonly #options: ChangeFeedOptions;
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #announcements: Announcements;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
    const { inbox, nodes, clock, random, log } = options;
    this.#announcements = new Announcements({
      send: (changes) => this.#send(changes),
      onFault(thrown) {
        // That Redis is away is told by the link.
        if (thrown instanceof ServiceError) return;
        log.error("changes could not be told to other nodes", { reason: messageOf(thrown) });
      },
      clock,
      random,
    });
    inbox.on(KIND, (body) => this.#receive(body));
    inbox.onGap(() => this.#tell(UNKNOWN));
    nodes.onLapse(() => this.#tell(UNKNOWN));
  }

  announce(change: Change): void {
    this.#announcements.add(change);
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#announcements[Symbol.asyncDispose]();
  }

  async #send(changes: readonly Change[]): Promise<void> {
    const { inbox, nodes } = this.#options;
    // One that has just come may have read already what has changed since.
    await nodes.refresh();
    const body = JSON.stringify({ changes });
    const others = nodes.alive().filter((node) => node !== nodes.id);
    await Promise.all(others.map((node) => inbox.send(node, KIND, body)));
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
