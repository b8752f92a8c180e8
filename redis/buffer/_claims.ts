/**
 * What this node has claimed, from the claim until it is written what became of it. Whether it still
 * has it is for Redis to say; here is only what it knows of.
 */

import { merge } from "../../buffer/mod.ts";
import type { Notification } from "../../core/notification.ts";
import { parseNotification } from "./_codec.ts";
import { partitionOf } from "../keys.ts";
import type { Reply } from "../link.ts";

/** A claimed notification. */
export interface ClaimedItem {
  readonly id: string;
  readonly partition: number;
  /** With those merged into it. */
  readonly notification: Notification;
  readonly older: readonly Notification[];
  /** It may have been handed over before, by whomever. */
  readonly isRepeat: boolean;
  /** `ended`: settled or given back, but that is not written yet. */
  state: "waiting" | "running" | "ended";
}

const NONE: readonly Notification[] = [];

/** A notification that was claimed when it was accepted. */
export function claimNew(notification: Notification): ClaimedItem {
  const { id, context, user } = notification;
  const partition = partitionOf(context, user);
  return { id, partition, notification, older: NONE, isRepeat: false, state: "waiting" };
}

/** What the claim script returned, similar ones merged. */
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

/** See the file's comment. */
export class Claims {
  readonly #byId = new Map<string, ClaimedItem>();

  add(all: readonly ClaimedItem[]): void {
    for (const held of all) this.#byId.set(held.id, held);
  }

  /** The notification of this id, where it is neither settled nor given back. */
  get(id: string): ClaimedItem | undefined {
    const held = this.#byId.get(id);
    return held?.state === "ended" ? undefined : held;
  }

  /** Those of a batch that may be begun: others were taken over, or ended by an earlier run. */
  begin(batch: readonly ClaimedItem[]): readonly ClaimedItem[] {
    const begun = batch.filter((held) =>
      held.state === "waiting" && this.#byId.get(held.id) === held
    );
    for (const held of begun) held.state = "running";
    return begun;
  }

  /** Those of a batch that are neither settled nor given back. */
  unfinished(batch: readonly ClaimedItem[]): readonly ClaimedItem[] {
    return batch.filter((held) => held.state === "running" && this.#byId.get(held.id) === held);
  }

  /** Forgets what was ended and written. */
  forget(ended: readonly ClaimedItem[]): void {
    for (const held of ended) if (this.#byId.get(held.id) === held) this.#byId.delete(held.id);
  }

  /** Forgets what was not begun; returns how many that were. */
  dropUnstarted(): number {
    const before = this.#byId.size;
    for (const held of this.#byId.values()) {
      if (held.state === "waiting") this.#byId.delete(held.id);
    }
    return before - this.#byId.size;
  }

  /** Ids of everything in a partition. */
  idsIn(partition: number): readonly string[] {
    const ids: string[] = [];
    for (const held of this.#byId.values()) if (held.partition === partition) ids.push(held.id);
    return ids;
  }

  /** Forgets what others have taken over. */
  lose(ids: readonly string[]): number {
    let lost = 0;
    for (const id of ids) if (this.get(id) !== undefined && this.#byId.delete(id)) lost++;
    return lost;
  }
}
