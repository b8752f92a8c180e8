/** Stores the attempts that were given up, so that an operator can inspect and replay them. */

import type { Clock } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreEntry, StoreKey } from "../core/store.ts";
import type { Target } from "../core/subscription.ts";
import type { CommitChanges } from "./job_claims.ts";
import { packNotification, unpackNotification } from "./stored_notification.ts";

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

/** Selects dead letters; an absent field matches all. */
export interface DeadLetterFilter {
  readonly context?: string;
  readonly client?: string;
  readonly transport?: string;
}

/** A page of dead letters, oldest first. */
interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** The cursor of the next page; absent on the last one. */
  readonly next?: string;
}

const PREFIX = "dead";
/** Dead letters read for one page, so that a narrow filter does not read the whole store. */
const MAX_SCAN = 10_000;

interface DeadLettersOptions {
  readonly store: Store;
  readonly commit: CommitChanges;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly retentionMs: () => number;
}

/** Adds, lists and removes dead letters. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** Stores a dead letter; durable when it resolves. */
  async add(letter: Pick<DeadLetter, "notification" | "target" | "reason" | "attempts">) {
    const { commit, clock, ids, retentionMs } = this.#options;
    const { notification, target, reason, attempts } = letter;
    const id = ids();
    const value: DeadLetter = { v: 1, id, notification, target, reason, attempts, at: clock.now() };
    const packed = packNotification(value);
    await commit({ sets: [{ key: key(id), value: packed, expireInMs: retentionMs() }] });
  }

  /** Lists up to `limit` dead letters after the cursor `after`. */
  async list(
    filter: DeadLetterFilter,
    { limit, after }: { readonly limit: number; readonly after?: string },
  ): Promise<DeadLetterPage> {
    const letters: DeadLetter[] = [];
    let scanned = 0;
    const start = after === undefined ? {} : { start: key(`${after}\u0000`) };
    for await (
      const { value: packed } of this.#options.store.list<DeadLetter>({
        prefix: [PREFIX],
        ...start,
      })
    ) {
      const value = unpackNotification(packed);
      if (matches(value, filter)) letters.push(value);
      if (letters.length === limit || ++scanned === MAX_SCAN) return { letters, next: value.id };
    }
    return { letters };
  }

  async get(id: string): Promise<StoreEntry<DeadLetter> | undefined> {
    const entry = await this.#options.store.get<DeadLetter>(key(id));
    return entry && { ...entry, value: unpackNotification(entry.value) };
  }

  /** Removes a dead letter; false where it no longer exists. */
  async remove(entry: StoreEntry<DeadLetter>): Promise<boolean> {
    return await this.#options.store.commit({ checks: [entry], deletes: [entry.key] });
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
