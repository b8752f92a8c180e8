/**
 * How much the buffer holds, over all partitions: counted once in a while, and in between by what
 * this node adds and settles. Also who claims, which is seen on the way.
 */

import type { Clock } from "../../core/clock.ts";
import { COUNT } from "./_end_scripts.ts";
import { bufferKeys } from "./_keys.ts";
import { PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";

/** Where a count would decide, one that is older than this is made anew. */
const FRESH_MS = 100;

/** A node that has, or had, claims in a partition. */
export interface Claimer {
  readonly partition: number;
  readonly node: string;
}

/** See the file's comment. */
export class BufferCounters {
  readonly #link: RedisLink;
  readonly #clock: Pick<Clock, "monotonic">;
  #notifications = 0;
  #claims = 0;
  #bytes = 0;
  /** What this node has added since, less what it has settled. */
  #addedNotifications = 0;
  #addedBytes = 0;
  #countedAt = -Infinity;
  #counting: Promise<readonly Claimer[]> | undefined;

  constructor(link: RedisLink, clock: Pick<Clock, "monotonic">) {
    this.#link = link;
    this.#clock = clock;
  }

  /** Accepted and not settled. */
  get notifications(): number {
    return Math.max(0, this.#notifications + this.#addedNotifications);
  }

  /** What they take in Redis, about. */
  get bytes(): number {
    return Math.max(0, this.#bytes + this.#addedBytes);
  }

  /** Those of them that no node has claimed, about. */
  get waiting(): number {
    return Math.max(0, this.notifications - this.#claims);
  }

  /** Whether it is too early to count again. */
  get isFresh(): boolean {
    return this.#clock.monotonic() - this.#countedAt < FRESH_MS;
  }

  added(notifications: number, bytes: number): void {
    this.#addedNotifications += notifications;
    this.#addedBytes += bytes;
  }

  settled(notifications: number): void {
    this.#addedNotifications -= notifications;
  }

  /**
   * Counts; returns who claims.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  count(): Promise<readonly Claimer[]> {
    this.#counting ??= this.#count().finally(() => this.#counting = undefined);
    return this.#counting;
  }

  async #count(): Promise<readonly Claimer[]> {
    const before = { notifications: this.#addedNotifications, bytes: this.#addedBytes };
    const replies = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => {
      const { items, claims, claimers } = bufferKeys(partition);
      return this.#link.run(COUNT, [items, claims, claimers], []) as Promise<readonly Reply[]>;
    }));
    const sum = (index: number) => replies.reduce((sum, reply) => sum + Number(reply[index]), 0);
    this.#notifications = sum(0);
    this.#claims = sum(1);
    this.#bytes = sum(2);
    // What came meanwhile may have been counted or not, which the next count sets right.
    this.#addedNotifications -= before.notifications;
    this.#addedBytes -= before.bytes;
    this.#countedAt = this.#clock.monotonic();
    return replies.flatMap(([, , , ...nodes], partition) =>
      nodes.map((node) => ({ partition, node: String(node) }))
    );
  }
}
