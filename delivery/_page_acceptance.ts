/**
 * Accepts a page of users at most once. Where the buffer stores other records along and only this
 * process writes, the page with the ids of its notifications is in the commit that accepts them.
 * Otherwise the page is stored first, and accepted under an idempotency key of its own.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Store } from "../core/store.ts";
import { notificationMaker } from "./_fanout_pages.ts";
import {
  acceptedKey,
  type FanoutPage,
  type FanoutRecord,
  PAGE_KEEP_MS,
  pageKey,
  usersOf,
} from "./_fanout_records.ts";
import type { createPublishOnce } from "./publish_once.ts";

/** What the acceptance of pages needs. */
export interface PageAcceptanceOptions {
  readonly store: Store;
  readonly buffer: Pick<Buffer, "put" | "traits">;
  readonly publishOnce: ReturnType<typeof createPublishOnce>;
  readonly clock: Pick<Clock, "now">;
  readonly ids: IdSource;
  readonly retentionMs: () => number;
  /** Users that were accepted for the first time. */
  readonly onAccepted: (users: number) => void;
}

/** A page that is not accepted yet. */
interface OpenPage {
  readonly page: number;
  readonly value: FanoutPage;
  /** Whether it is in the store. */
  readonly isStored: boolean;
}

/** Accepts a page, and returns it with the ids of its notifications. */
export type AcceptPage = (record: FanoutRecord, open: OpenPage) => Promise<FanoutPage>;

/**
 * Creates the function that accepts pages.
 *
 * @throws {ServiceError} what {@link Buffer.put} throws
 */
export function createPageAcceptance(options: PageAcceptanceOptions): AcceptPage {
  const { store, buffer, publishOnce, clock, ids, retentionMs, onAccepted } = options;
  const isAtomic = buffer.traits.takesRecords && !store.traits.shared;

  return async (record, { page, value: { state: _, ...value }, isStored }) => {
    const { id } = record.template;
    const key = pageKey(id, page);
    const users = usersOf(value);
    const set = (ids: readonly string[]) => ({
      ...{ key, value: { ...value, ids } satisfies FanoutPage, expireInMs: retentionMs() },
    });
    if (users.length === 0) {
      const empty = set([]);
      await store.commit({ sets: [empty] });
      return empty.value;
    }
    const stamp = await notificationMaker(record, { users, page, atMs: value.atMs, store });
    if (isAtomic) {
      const accepted = set(users.map(() => ids()));
      await buffer.put(stamp(accepted.value.ids, clock.now()), [accepted]);
      onAccepted(users.length);
      return accepted.value;
    }
    if (!isStored) await store.commit({ sets: [{ key, value, expireInMs: PAGE_KEEP_MS }] });
    const request = { key: acceptedKey(id, page), fingerprint: id, count: users.length, stamp };
    const { ids: accepted, replayed } = await publishOnce(request);
    const { value: ended, ...rest } = set(accepted);
    await store.commit({ sets: [{ ...rest, value: ended }] });
    if (!replayed) onAccepted(users.length);
    return ended;
  };
}
