/**
 * The notifications that wait in memory: for the end of their delay, during which similar ones are
 * merged into them, or for a second hand-over. Knows nothing of the store.
 */

import { DELAY_FACTOR, type Notification } from "../core/notification.ts";
import { aggregationKey, merge } from "./aggregation.ts";
import type { BufferOptions } from "./buffer.ts";
import { DelayQueue, type Waiting } from "./delay_queue.ts";

/** Settings of {@link WaitingNotifications}. */
interface WaitingNotificationsOptions
  extends Pick<BufferOptions, "clock" | "settings" | "onMerged"> {
  /** From 0 (inclusive) to 1 (exclusive); spreads pauses. Absent: all pauses are equal. */
  readonly random?: (() => number) | undefined;
  /** Returns whether an id in flight was read from the store, so it may have been handed over. */
  readonly isFound: (id: string) => boolean;
}

interface Entry extends Waiting {
  notification: Notification;
  /** The latest due time, in monotonic milliseconds. */
  latest: number;
}

const NONE: readonly never[] = [];
/** Milliseconds before a second hand-over, about. */
const REPEAT_MS = 1_000;

/** Delays and merges notifications, and returns those that are due in fair order. */
export class WaitingNotifications {
  readonly #options: WaitingNotificationsOptions;
  readonly #queue = new DelayQueue<Entry>(({ notification }) => notification.context);
  /** The notifications that were merged into the one with this id. */
  readonly #merged = new Map<string, readonly Notification[]>();
  /** Ids that may have been handed over before, besides those that were read from the store. */
  readonly #repeated = new Set<string>();

  constructor(options: WaitingNotificationsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** Delays a notification, or merges it with a similar one that waits. */
  add(notification: Notification): void {
    const { delayDuration, maxDelayDuration } = this.#options.settings();
    // Whole milliseconds take half the memory.
    const now = Math.ceil(this.#options.clock.monotonic());
    const factor = DELAY_FACTOR[notification.priority];
    const dueAt = now + delayDuration * factor;
    const latest = now + Math.max(delayDuration, maxDelayDuration) * factor;
    const key = aggregationKey(notification);
    const similar = this.#queue.get(key);
    if (!similar) return this.#queue.add({ key, notification, dueAt, latest, isDue: false });
    this.#mergeInto(similar, notification);
    if (similar.isDue) return;
    const before = similar.dueAt;
    similar.latest = Math.min(similar.latest, latest);
    similar.dueAt = Math.min(Math.max(before, dueAt), similar.latest);
    if (similar.dueAt < before) this.#queue.moveForward(similar);
  }

  /**
   * Has a due notification wait for about a second. Nothing is merged with it, because it may have
   * reached its receivers already.
   */
  postpone(notification: Notification): void {
    const key = `\u0000${notification.id}`; // no aggregation key begins so
    if (this.#queue.get(key)) return;
    const { clock, random } = this.#options;
    const dueAt = clock.monotonic() + REPEAT_MS * (random ? 0.5 + random() : 1);
    this.#queue.add({ key, notification, dueAt, latest: dueAt, isDue: false });
  }

  /** Remembers that a notification was handed over. */
  markRepeated(id: string): void {
    this.#repeated.add(id);
  }

  /** Returns whether a notification may have been handed over before. */
  isRepeat(id: string): boolean {
    return (this.#repeated.size > 0 && this.#repeated.has(id)) || this.#options.isFound(id);
  }

  hasDue(): boolean {
    return this.#queue.hasDue(this.#options.clock.monotonic());
  }

  /** Removes and returns up to `limit` due notifications, no context before its turn. */
  takeDue(limit: number): readonly Notification[] {
    return this.#queue.takeDue(this.#options.clock.monotonic(), limit)
      .map(({ notification }) => notification);
  }

  /**
   * Removes and returns those of accepted notifications that wait for their delay: neither merged
   * into a newer one, nor for a second hand-over.
   */
  withdraw(accepted: readonly Notification[]): readonly Notification[] {
    const entries = accepted.flatMap((notification) => {
      const entry = this.#queue.get(aggregationKey(notification));
      return entry?.notification.id === notification.id ? [entry] : [];
    });
    this.#queue.remove(entries);
    return entries.map(({ notification }) => notification);
  }

  /** Returns an accepted notification together with those that were merged into it. */
  withMerged(accepted: Notification): Notification {
    return [...this.#merged.get(accepted.id) ?? NONE, accepted].reduce(merge);
  }

  /** Forgets a settled notification, and returns those that were merged into it. */
  settle(id: string): readonly Notification[] {
    if (this.#repeated.size > 0) this.#repeated.delete(id);
    const merged = this.#merged.size > 0 ? this.#merged.get(id) : undefined;
    if (!merged) return NONE;
    this.#merged.delete(id);
    return merged;
  }

  clear(): void {
    this.#queue.clear();
    this.#merged.clear();
    this.#repeated.clear();
  }

  /** A notification taken over from another process may be older than the one that waits here. */
  #mergeInto(entry: Entry, other: Notification): void {
    const [older, newer] = entry.notification.id < other.id
      ? [entry.notification, other]
      : [other, entry.notification];
    const merged = [
      ...this.#merged.get(older.id) ?? NONE,
      older,
      ...this.#merged.get(newer.id) ?? NONE,
    ];
    this.#merged.delete(older.id);
    this.#merged.set(newer.id, merged);
    if (this.isRepeat(older.id)) this.#repeated.add(newer.id);
    this.#repeated.delete(older.id);
    entry.notification = merge(older, newer);
    this.#options.onMerged?.();
  }
}
