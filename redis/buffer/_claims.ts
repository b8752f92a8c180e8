/**
 * The notifications that this node has claimed, until their settlement or release is written. Redis
 * decides whether a claim is still this node's; this is only what the node knows.
 */

import { merge } from "../../buffer/mod.ts";
import type { Notification } from "../../core/notification.ts";
import { parseNotification } from "./_codec.ts";
import type { ClaimedSegment } from "./segment.ts";
import { partitionOf } from "../keys.ts";
import type { Reply } from "../link.ts";

/** A claimed notification. */
export interface ClaimedItem {
  readonly id: string;
  readonly partition: number;
  /** With older ones merged into it. */
  readonly notification: Notification;
  readonly older: readonly Notification[];
  /** Whether a node may have processed it before. */
  readonly isRepeat: boolean;
  /** What it was accepted with, and claimed at once. */
  readonly segment?: ClaimedSegment;
  /** `ended`: settled or released, but not written yet. */
  state: "waiting" | "running" | "ended";
}

const NONE: readonly Notification[] = [];

/** Returns the claim of a notification that was claimed when it was accepted. */
export function claimNew(notification: Notification, segment: ClaimedSegment): ClaimedItem {
  const { id, context, user } = notification;
  const partition = partitionOf(context, user);
  return { id, partition, notification, older: NONE, isRepeat: false, segment, state: "waiting" };
}

/** Reads the answer of the claim script, and merges similar notifications. */
export function claimReply(partition: number, reply: readonly Reply[]): readonly ClaimedItem[] {
  const claimed: ClaimedItem[] = [];
  for (let at = 0; at < reply.length;) {
    const mark = String(reply[at]);
    const names = String(reply[at + 1]);
    const isRepeat = mark.endsWith("!");
    const id = isRepeat ? mark.slice(0, -1) : mark;
    const newest = parseNotification(id, String(reply[at + 2]));
    at += 3;
    const older = names === "" ? NONE : names.split(",").flatMap((name) => {
      const body = reply[at++];
      return typeof body === "string" ? [parseNotification(name, body)] : [];
    });
    const notification = older.length === 0 ? newest : [...older, newest].reduce(merge);
    claimed.push({ id, partition, notification, older, isRepeat, state: "waiting" });
  }
  return claimed;
}

/** This node's claims by notification id. */
export class Claims {
  readonly #byId = new Map<string, ClaimedItem>();
  /** The partitions of ids that a call under way may claim. */
  readonly #expected = new Map<string, number>();

  add(all: readonly ClaimedItem[]): void {
    for (const item of all) this.#byId.set(item.id, item);
  }

  /** Adds what a call claims of some ids; until it ends, all of them count as claimed. */
  async addFrom(
    claiming: Promise<readonly ClaimedItem[]>,
    { partition, ids }: { readonly partition: number; readonly ids: readonly string[] },
  ): Promise<readonly ClaimedItem[]> {
    for (const id of ids) this.#expected.set(id, partition);
    try {
      const claimed = await claiming;
      this.add(claimed);
      return claimed;
    } finally {
      for (const id of ids) this.#expected.delete(id);
    }
  }

  /** Returns the claim with this id, unless it is settled or released. */
  get(id: string): ClaimedItem | undefined {
    const item = this.#byId.get(id);
    return item?.state === "ended" ? undefined : item;
  }

  /** Returns the claim with this id where it waits for a job of this node. */
  unstarted(id: string): ClaimedItem | undefined {
    const item = this.#byId.get(id);
    return item?.state === "waiting" ? item : undefined;
  }

  /**
   * Marks claims of a batch as running and returns them. Leaves out lost claims, and those that an
   * earlier run has ended.
   */
  begin(batch: readonly ClaimedItem[]): readonly ClaimedItem[] {
    const begun = batch.filter((item) =>
      item.state === "waiting" && this.#byId.get(item.id) === item
    );
    for (const item of begun) item.state = "running";
    return begun;
  }

  /** Returns the claims of a batch that are neither settled nor released. */
  unfinished(batch: readonly ClaimedItem[]): readonly ClaimedItem[] {
    return batch.filter((item) => item.state === "running" && this.#byId.get(item.id) === item);
  }

  /** Removes claims whose end is written. */
  forget(ended: readonly ClaimedItem[]): void {
    for (const item of ended) if (this.#byId.get(item.id) === item) this.#byId.delete(item.id);
  }

  /** Removes claims that are not running; returns their number. */
  dropUnstarted(): number {
    const before = this.#byId.size;
    for (const item of this.#byId.values()) {
      if (item.state === "waiting") this.#byId.delete(item.id);
    }
    return before - this.#byId.size;
  }

  /** Returns the ids of all claims in a partition. */
  idsIn(partition: number): readonly string[] {
    const ids: string[] = [];
    for (const item of this.#byId.values()) if (item.partition === partition) ids.push(item.id);
    for (const [id, at] of this.#expected) if (at === partition) ids.push(id);
    return ids;
  }

  /** Removes claims that other nodes have taken; returns their number. */
  removeLost(ids: readonly string[]): number {
    let lost = 0;
    for (const id of ids) if (this.get(id) !== undefined && this.#byId.delete(id)) lost++;
    return lost;
  }
}
