/**
 * Remembers for a day which connections were here, though not what they were told: whoever comes
 * back after the log has forgotten must learn that something may be missing. A connection costs a
 * number, in memory and in the store.
 */

import { hash } from "node:crypto";
import type { Clock, Timer } from "../core/clock.ts";
import { userKey } from "../core/notification.ts";
import type { SocketPresence } from "../core/events.ts";

/** Where visits are kept, so that they outlive the process. */
export interface ConnectionRecords {
  saveConnections(hashes: readonly number[], keepMs: number): Promise<void>;
  readConnections(): AsyncIterable<readonly number[]>;
}

/** What past visits are made of. */
export interface PastConnectionsOptions {
  readonly clock: Clock;
  /** Absent: they are forgotten with the process. */
  readonly records: ConnectionRecords | undefined;
}

const DAY_MS = 24 * 3_600_000;
/** Of each half of a day; the oldest half gives way. */
const MAX_VISITS = 500_000;
const SAVE_AFTER_MS = 1_000;
/** The most that `Buffer` reads as one number. */
const HASH_BYTES = 6;

/** See the file's comment. */
export class PastConnections {
  readonly #options: PastConnectionsOptions;
  #young = new Set<number>();
  #old = new Set<number>();
  #youngSince: number;
  #unsaved: number[] = [];
  #timer: Timer | undefined;

  constructor(options: PastConnectionsOptions) {
    this.#options = options;
    this.#youngSince = options.clock.monotonic();
  }

  /** @throws {ServiceError} `store_unavailable` */
  async start(): Promise<void> {
    const { records } = this.#options;
    if (!records) return;
    for await (const hashes of records.readConnections()) {
      for (const visit of hashes) this.#keep(visit);
    }
  }

  /** A connection that its client gave a name has closed, or was open when a process ended. */
  add(seat: Pick<SocketPresence, "context" | "user" | "id" | "socketId">): void {
    // Named by the server, it cannot come back under that name.
    if (seat.id === seat.socketId) return;
    const visit = hashOf(seat);
    if (this.#young.has(visit)) return;
    this.#keep(visit);
    if (!this.#options.records) return;
    this.#unsaved.push(visit);
    this.#timer ??= this.#options.clock.after(SAVE_AFTER_MS, () => void this.flush());
  }

  has(seat: Pick<SocketPresence, "context" | "user" | "id">): boolean {
    const visit = hashOf(seat);
    return this.#young.has(visit) || this.#old.has(visit);
  }

  /** Resolves when all are stored, or cannot be: then whoever comes back hears of nothing. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const hashes = this.#unsaved.splice(0);
    if (hashes.length > 0) {
      await this.#options.records?.saveConnections(hashes, DAY_MS).catch(() => {});
    }
  }

  #keep(visit: number): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#youngSince > DAY_MS / 2 || this.#young.size >= MAX_VISITS) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#youngSince = now;
    }
    this.#young.add(visit);
  }
}

/** 48 bits: beside a million that are remembered, one in 280 million new ones looks like one of them. */
function hashOf({ context, user, id }: Pick<SocketPresence, "context" | "user" | "id">): number {
  return hash("sha256", `${userKey(context, user)}\u0000${id}`, "buffer").readUIntBE(0, HASH_BYTES);
}
