/** Attempts that were given up, kept for an operator to look at and to try again. */

import type { Clock } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreEntry, StoreKey } from "../core/store.ts";
import type { Target } from "../core/subscription.ts";
import type { CommitChanges } from "./job_claims.ts";

/** One attempt that was given up. */
export interface DeadLetter {
  readonly v: 1;
  readonly id: string;
  readonly notification: Notification;
  readonly target: Target;
  readonly reason: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Which letters to list. */
export interface DeadLetterFilter {
  readonly context?: string;
  readonly client?: string;
  readonly transport?: string;
}

/** A page of letters, oldest first. */
export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Give it back to get the next page; absent on the last one. */
  readonly next?: string;
}

const PREFIX = "dead";
/** Letters looked at for one page, so that a narrow filter cannot walk the whole store. */
const MAX_SCAN = 10_000;

/** The dead letters of the service. */
export class DeadLetters {
  readonly #store: Store;
  readonly #commit: CommitChanges;
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #retentionMs: () => number;

  constructor(
    { store, commit, clock, ids, retentionMs }: {
      readonly store: Store;
      readonly commit: CommitChanges;
      readonly clock: Clock;
      readonly ids: IdSource;
      readonly retentionMs: () => number;
    },
  ) {
    this.#store = store;
    this.#commit = commit;
    this.#clock = clock;
    this.#ids = ids;
    this.#retentionMs = retentionMs;
  }

  /** Keeps a letter; durable when it resolves. */
  async add(letter: Pick<DeadLetter, "notification" | "target" | "reason" | "attempts">) {
    const id = this.#ids();
    const { notification, target, reason, attempts } = letter;
    const value: DeadLetter = {
      v: 1,
      id,
      notification,
      target,
      reason,
      attempts,
      at: this.#clock.now(),
    };
    await this.#commit({ sets: [{ key: key(id), value, expireInMs: this.#retentionMs() }] });
  }

  /** Up to `limit` letters after the cursor `after`. */
  async list(
    filter: DeadLetterFilter,
    { limit, after }: { readonly limit: number; readonly after?: string },
  ): Promise<DeadLetterPage> {
    const letters: DeadLetter[] = [];
    let scanned = 0;
    const start = after === undefined ? {} : { start: key(`${after}\u0000`) };
    for await (const { value } of this.#store.list<DeadLetter>({ prefix: [PREFIX], ...start })) {
      if (matches(value, filter)) letters.push(value);
      if (letters.length === limit || ++scanned === MAX_SCAN) return { letters, next: value.id };
    }
    return { letters };
  }

  get(id: string): Promise<StoreEntry<DeadLetter> | undefined> {
    return this.#store.get<DeadLetter>(key(id));
  }

  /** Removes a letter; false where it was gone already. */
  async remove(entry: StoreEntry<DeadLetter>): Promise<boolean> {
    return await this.#store.commit({ checks: [entry], deletes: [entry.key] });
  }
}

function matches({ notification, target }: DeadLetter, filter: DeadLetterFilter): boolean {
  return (filter.context === undefined || filter.context === notification.context) &&
    (filter.client === undefined || filter.client === target.client) &&
    (filter.transport === undefined || filter.transport === target.transport);
}

function key(id: string): StoreKey {
  return [PREFIX, id];
}
