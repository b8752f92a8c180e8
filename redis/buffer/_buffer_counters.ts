/**
 * Counts what the buffer holds in all partitions. Redis is counted about once a second; between two
 * counts this node's own changes are added. A count also returns the nodes that have claims.
 */

import type { Clock } from "../../core/clock.ts";
import { COUNT } from "./_end_scripts.ts";
import { bufferKeys } from "./keys.ts";
import { PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";

/** An older count is repeated where it would decide whether notifications are accepted. */
const FRESH_MS = 100;

/** A node that has, or had, claims in a partition. */
export interface Claimer {
  readonly partition: number;
  readonly node: string;
}

/** Numbers of notifications, claims and bytes in the buffer. */
export class BufferCounters {
  readonly #link: RedisLink;
  readonly #clock: Pick<Clock, "monotonic">;
  #notifications = 0;
  #claims = 0;
  #bytes = 0;
  /** What this node has added since the last count, minus what it has settled. */
  #addedNotifications = 0;
  #addedBytes = 0;
  #countedAt = -Infinity;
  #counting: Promise<readonly Claimer[]> | undefined;

  constructor(link: RedisLink, clock: Pick<Clock, "monotonic">) {
    this.#link = link;
    this.#clock = clock;
  }

  /** Notifications that are accepted and not settled. */
  get notifications(): number {
    return Math.max(0, this.#notifications + this.#addedNotifications);
  }

  /** Estimate of the bytes that they take in Redis. */
  get bytes(): number {
    return Math.max(0, this.#bytes + this.#addedBytes);
  }

  /** Estimate of the notifications that no node has claimed. */
  get waiting(): number {
    return Math.max(0, this.notifications - this.#claims);
  }

  /** Whether the last count is too recent to count again. */
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
   * Counts all partitions; returns the nodes that have claims.
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
      const { items, claims, claimers, segments, segmentClaimers } = bufferKeys(partition);
      const keys = [items, claims, claimers, segments, segmentClaimers];
      return this.#link.run(COUNT, keys, []) as Promise<readonly Reply[]>;
    }));
    const sum = (index: number) => replies.reduce((sum, reply) => sum + Number(reply[index]), 0);
    this.#notifications = sum(0);
    this.#claims = sum(1);
    this.#bytes = sum(2);
    // The count may or may not include changes made meanwhile; the next one corrects that.
    this.#addedNotifications -= before.notifications;
    this.#addedBytes -= before.bytes;
    this.#countedAt = this.#clock.monotonic();
    return replies.flatMap(([, , , ...nodes], partition) =>
      nodes.map((node) => ({ partition, node: String(node) }))
    );
  }
}
