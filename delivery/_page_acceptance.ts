/**
 * Accepts a page of users at most once. Where the buffer stores other records along and only this
 * process writes, the page with the ids of its notifications is in the commit that accepts them.
 * Otherwise the page is stored first, and accepted under an idempotency key of its own.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { IdSource } from "../core/ids.ts";
import type { Store } from "../core/store.ts";
import { notificationMaker, type OpenPage } from "./_fanout_pages.ts";
import {
  acceptedKey,
  type FanoutPage,
  type FanoutRecord,
  packIds,
  PAGE_KEEP_MS,
  pageKey,
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

/** Accepts a page, and stores it with the ids of its notifications. */
export type AcceptPage = (record: FanoutRecord, open: OpenPage) => Promise<void>;

/**
 * Creates the function that accepts pages.
 *
 * @throws {ServiceError} what {@link Buffer.put} throws
 */
export function createPageAcceptance(options: PageAcceptanceOptions): AcceptPage {
  const { store, buffer, publishOnce, clock, ids, retentionMs, onAccepted } = options;
  const isAtomic = buffer.traits.takesRecords && !store.traits.shared;

  return async (record, { page, users, value: { state: _, ...value }, isStored }) => {
    const { id } = record.template;
    const key = pageKey(id, page);
    const set = (ids: readonly string[]) => ({
      key,
      value: { ...value, ids: packIds(ids) } satisfies FanoutPage,
      expireInMs: retentionMs(),
    });
    if (users.length === 0) {
      await store.commit({ sets: [set([])] });
      return;
    }
    const stamp = await notificationMaker(record, { users, page, atMs: value.atMs, store });
    if (isAtomic) {
      const made = users.map(() => ids());
      await buffer.put(stamp(made, clock.now()), [set(made)]);
      onAccepted(users.length);
      return;
    }
    if (!isStored) {
      const sets = [{ key, value, expireInMs: PAGE_KEEP_MS }];
      if (!await store.commit({ checks: [{ key, version: null }], sets })) throw otherWasFirst(id);
    }
    const request = { key: acceptedKey(id, page), fingerprint: id, count: users.length, stamp };
    const { ids: accepted, replayed } = await publishOnce(request);
    await store.commit({ sets: [set(accepted)] });
    if (!replayed) onAccepted(users.length);
  };
}

/** Another process has stored the page since it was read, maybe with other users. */
function otherWasFirst(id: string): ServiceError {
  const message = `Cannot accept a page of ${id}: another process has begun with it`;
  return new ServiceError("conflict", message, { retryAfterSeconds: 1 });
}
