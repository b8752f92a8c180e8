/**
 * Notifications to many users at a local time. The audience is read once, soon after the request,
 * and its users are put into pages by the instant at which their clocks show the time. Each page is
 * a record and a job of its own: in memory there is nothing until it is due, and a crash repeats or
 * skips nobody. A page is accepted or cancelled, never both.
 */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Store, StoreEntry } from "../core/store.ts";
import {
  bytesOfText,
  type FanoutPage,
  type FanoutRecord,
  PAGE_KEEP_MS,
  pageKey,
  recordKey,
  usersOf,
} from "./_fanout_records.ts";
import { type ReadAudience, readUsers } from "./_fanout_pages.ts";
import type { AcceptPage } from "./_page_acceptance.ts";
import { localTime } from "./deliver_at.ts";
import type { DueQueue } from "./due_queue.ts";
import type { JobResult } from "./job_claims.ts";

/** A page that is accepted at its time; or without a page, the cancellation of all of them. */
export interface FanoutPartJob {
  readonly v: 1;
  readonly id: string;
  readonly page?: number;
}

/** What local pages need. */
interface LocalPagesOptions {
  readonly store: Store;
  readonly parts: Pick<DueQueue<FanoutPartJob>, "schedule" | "scheduleIf">;
  readonly acceptPage: AcceptPage;
  readonly readAudience: ReadAudience;
  /** The IANA name of a user's time zone. */
  readonly timeZone: (context: string, user: string) => string | Promise<string>;
  readonly isBusy: (pageSize: number) => boolean;
  readonly clock: Pick<Clock, "now">;
  readonly retentionMs: () => number;
}

/** How soon a page that the buffer has no room for is tried again. */
export const FULL_PAUSE_MS = 250;
/** Pages are never further ahead: 30 days, and a day for the zones. */
const HORIZON_MS = 32 * 24 * 3_600_000;

/** Accepts notifications to many users at a local time. */
export class LocalPages {
  readonly #options: LocalPagesOptions;

  constructor(options: LocalPagesOptions) {
    this.#options = options;
  }

  /**
   * Puts the next users of an audience into pages by their time. Returns the record then;
   * `undefined` where it was changed meanwhile.
   */
  async split(entry: StoreEntry<FanoutRecord>): Promise<FanoutRecord | undefined> {
    const { parts, retentionMs } = this.#options;
    const { value: record } = entry;
    const { template: { id } } = record;
    const { users, next } = await readUsers(record, this.#options);
    const groups = await this.#byTime(record, users);
    const pages = [...groups].map(([atMs, users], n) => ({
      ...{ atMs, page: record.page + n },
      value: { users: bytesOfText(JSON.stringify(users)), atMs } satisfies FanoutPage,
    }));
    const { after: _, ...rest } = record;
    const value: FanoutRecord = {
      ...rest,
      state: next === undefined ? "done" : "running",
      page: record.page + pages.length,
      users: record.users + users.length,
      atMs: Math.min(
        ...record.users > 0 || groups.size === 0 ? [record.atMs] : [],
        ...groups.keys(),
      ),
      ...(next !== undefined && { after: next }),
    };
    const isStored = await parts.scheduleIf([entry], {
      jobs: pages.map(({ page, atMs }) => ({ job: { v: 1, id, page }, atMs })),
      sets: [
        { key: recordKey(id), value, expireInMs: PAGE_KEEP_MS + retentionMs() },
        ...pages.map(({ page, value }) => ({
          ...{ key: pageKey(id, page), value, expireInMs: PAGE_KEEP_MS + retentionMs() },
        })),
      ],
    });
    return isStored ? value : undefined;
  }

  /** Puts a page that is due into the buffer; the handler of its job. */
  async release(job: FanoutPartJob & { readonly page: number }): Promise<JobResult<FanoutPartJob>> {
    const { store, acceptPage, clock, isBusy } = this.#options;
    const { id, page } = job;
    const record = (await store.get<FanoutRecord>(recordKey(id)))?.value;
    const entry = await store.get<FanoutPage>(pageKey(id, page));
    const { ids, state, atMs = 0 } = entry?.value ?? {};
    if (!record || !entry || ids || state === "cancelled") return { done: true };
    // Its cancellation is under way.
    if (state === undefined && record.recall !== undefined) return { done: true };
    const now = clock.now();
    // The clock was set back since it became due.
    if (atMs > now && atMs <= now + HORIZON_MS) return { done: false, job, atMs };
    if (isBusy(record.pageSize)) return { done: false, job, atMs: now + FULL_PAUSE_MS };
    if (state === undefined && !await this.#claim(entry)) return { done: false, job, atMs: now };
    try {
      const { value } = entry;
      await acceptPage(record, { page, users: usersOf(value), value, isStored: true });
      return { done: true };
    } catch (thrown) {
      if (!(thrown instanceof ServiceError) || !thrown.retryAfterSeconds) throw thrown;
      return { done: false, job, atMs: now + thrown.retryAfterSeconds * 1000 };
    }
  }

  /** From now on it cannot be cancelled before it is accepted. */
  #claim({ key, version, value }: StoreEntry<FanoutPage>): Promise<boolean> {
    return this.#options.store.commit({
      checks: [{ key, version }],
      sets: [{ key, value: { ...value, state: "releasing" }, expireInMs: PAGE_KEEP_MS }],
    });
  }

  async #byTime(
    { local, template: { context, acceptedAt } }: FanoutRecord,
    users: readonly string[],
  ): Promise<ReadonlyMap<number, readonly string[]>> {
    const { timeZone } = this.#options;
    const zones = await Promise.all(users.map((user) => timeZone(context, user)));
    const times = new Map<string, number>();
    const groups = new Map<number, string[]>();
    users.forEach((user, at) => {
      const atMs = times.getOrInsertComputed(
        zones[at]!,
        (zone) => localTime(local!, { zone, now: acceptedAt }),
      );
      groups.getOrInsertComputed(atMs, () => []).push(user);
    });
    return groups;
  }
}
