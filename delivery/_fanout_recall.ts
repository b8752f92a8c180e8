/**
 * Cancels what is not sent of a notification to many users, page after page: users that wait for
 * their time, notifications that wait for their delay, and targets that are held or retried. Where
 * it has got to is in the record, so that a crash repeats a page at most, which changes nothing.
 */

import type { Clock } from "../core/clock.ts";
import type { Store, StoreEntry } from "../core/store.ts";
import {
  acceptedKey,
  type FanoutPage,
  type FanoutRecord,
  idsOf,
  packIds,
  PAGE_KEEP_MS,
  pageKey,
  recordKey,
  usersOf,
} from "./_fanout_records.ts";
import type { Ledger } from "./ledger.ts";
import { acceptedIds } from "./publish_once.ts";

/** What a recall needs. */
interface RecallOptions {
  readonly store: Store;
  readonly ledger: Pick<Ledger, "cancelWaiting" | "cancel">;
  readonly clock: Pick<Clock, "now">;
  readonly retentionMs: () => number;
}

/** Amendments at once. */
const AT_ONCE = 64;

/**
 * Goes through the next page. `wait`: it is being accepted at this moment; `done`: there is none.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function recallPage(
  entry: StoreEntry<FanoutRecord>,
  options: RecallOptions,
): Promise<"next" | "wait" | "done"> {
  const { store } = options;
  const { template: { id, context }, recall = 0, page, local } = entry.value;
  if (recall >= page && local !== undefined) return "done";
  const found = await store.get<FanoutPage>(pageKey(id, recall));
  if (recall >= page) return await finishPage(entry, { found, options }) ? "next" : "done";
  const users = found ? usersOf(found.value) : [];
  const isUnsent = found !== undefined && found.value.ids === undefined;
  if (isUnsent && found.value.state === "releasing") return "wait";
  if (!isUnsent) {
    const ids = idsOf(found?.value) ?? [];
    const names = users.map((user, at) => ({ id: ids[at]!, context, user }));
    await cancelAll(names, options);
  }
  const { cancelled = 0 } = entry.value;
  await moveOn(entry, {
    options,
    fields: { recall: recall + 1, ...(isUnsent && { cancelled: cancelled + users.length }) },
    ...(isUnsent && { page: { found, value: { ...found.value, state: "cancelled" } } }),
  });
  return "next"; // also where something changed meanwhile
}

/** Adds a page that was accepted while the notification was cancelled; false where there is none. */
async function finishPage(
  entry: StoreEntry<FanoutRecord>,
  { found, options }: {
    readonly found: StoreEntry<FanoutPage> | undefined;
    readonly options: RecallOptions;
  },
): Promise<boolean> {
  const { template: { id }, page, users } = entry.value;
  const ids = idsOf(found?.value) ??
    (found && await acceptedIds(options.store, acceptedKey(id, page)));
  if (!found || !ids) return false;
  await moveOn(entry, {
    options,
    fields: { page: page + 1, users: users + ids.length },
    page: { found, value: { ...found.value, ids: packIds(ids) } },
  });
  return true;
}

async function moveOn(
  { key, version, value }: StoreEntry<FanoutRecord>,
  { fields, page, options: { store, retentionMs } }: {
    readonly fields: Partial<FanoutRecord>;
    readonly page?: { readonly found: StoreEntry<FanoutPage>; readonly value: FanoutPage };
    readonly options: RecallOptions;
  },
): Promise<void> {
  const expireInMs = PAGE_KEEP_MS + retentionMs();
  await store.commit({
    checks: [{ key, version }, ...(page ? [page.found] : [])],
    sets: [
      { key: recordKey(value.template.id), value: { ...value, ...fields }, expireInMs },
      ...(page ? [{ key: page.found.key, value: page.value, expireInMs }] : []),
    ],
  });
}

async function cancelAll(
  names: Parameters<Ledger["cancelWaiting"]>[0],
  { ledger, clock }: RecallOptions,
): Promise<void> {
  const cancelled = new Set((await ledger.cancelWaiting(names)).map(({ id }) => id));
  const others = names.filter(({ id }) => !cancelled.has(id));
  for (let at = 0; at < others.length; at += AT_ONCE) {
    const now = clock.now();
    await Promise.all(others.slice(at, at + AT_ONCE).map((name) => ledger.cancel(name, now)));
  }
}
