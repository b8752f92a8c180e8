/**
 * Remembers for a day which connections existed, though not their offsets: a client that reconnects
 * after its log has expired must learn that it may have missed events. A connection takes one
 * number, in memory and in the store.
 */

import { hash } from "node:crypto";
import type { Clock, Timer } from "../core/clock.ts";
import { userKey } from "../core/notification.ts";
import type { SocketPresence } from "../core/events.ts";
import type { EventRecords } from "./event_records.ts";

interface PastConnectionsOptions {
  readonly clock: Clock;
  /** Absent: they are kept in memory only. */
  readonly records: Pick<EventRecords, "saveConnections" | "readConnections"> | undefined;
}

const DAY_MS = 24 * 3_600_000;
/** Connections of half a day; when there are more, the older half is dropped. */
const MAX_PER_HALF = 500_000;
const SAVE_AFTER_MS = 1_000;
/** The most bytes that `Buffer` reads as one number. */
const HASH_BYTES = 6;

/** A set of connections that forgets them after half a day to a day. */
export class PastConnections {
  readonly #options: PastConnectionsOptions;
  #recent = new Set<number>();
  #old = new Set<number>();
  #recentSince: number;
  #unsaved: number[] = [];
  #timer: Timer | undefined;

  constructor(options: PastConnectionsOptions) {
    this.#options = options;
    this.#recentSince = options.clock.monotonic();
  }

  /** @throws {ServiceError} `store_unavailable` */
  async start(): Promise<void> {
    const { records } = this.#options;
    if (!records) return;
    for await (const hashes of records.readConnections()) {
      for (const connection of hashes) this.#keep(connection);
    }
  }

  /** Adds a connection that has closed, or was open when a process ended. */
  add(socket: Pick<SocketPresence, "context" | "user" | "id" | "socketId">): void {
    // The server chose this id: no client reconnects with it.
    if (socket.id === socket.socketId) return;
    const connection = hashOf(socket);
    if (this.#recent.has(connection)) return;
    this.#keep(connection);
    if (!this.#options.records) return;
    this.#unsaved.push(connection);
    this.#timer ??= this.#options.clock.after(SAVE_AFTER_MS, () => void this.flush());
  }

  /** Returns whether a connection existed within the last half a day; at most a day. */
  has(socket: Pick<SocketPresence, "context" | "user" | "id">): boolean {
    const connection = hashOf(socket);
    return this.#recent.has(connection) || this.#old.has(connection);
  }

  /** Resolves when all are stored. Drops those that cannot be stored: they count as unknown. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const hashes = this.#unsaved.splice(0);
    if (hashes.length > 0) {
      await this.#options.records?.saveConnections(hashes, DAY_MS).catch(() => {});
    }
  }

  #keep(connection: number): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#recentSince > DAY_MS / 2 || this.#recent.size >= MAX_PER_HALF) {
      this.#old = this.#recent;
      this.#recent = new Set();
      this.#recentSince = now;
    }
    this.#recent.add(connection);
  }
}

/** 48 bits: with a million connections, one in 280 million new ones is taken for one of them. */
function hashOf({ context, user, id }: Pick<SocketPresence, "context" | "user" | "id">): number {
  return hash("sha256", `${userKey(context, user)}\u0000${id}`, "buffer").readUIntBE(0, HASH_BYTES);
}
