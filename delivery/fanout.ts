/**
 * Notifications to many users: one record with the notification and where it has got to, and a page
 * of users after the other, each put into the buffer at most once. It waits while the buffer is half
 * full, so that other publishers are not locked out. A page is in memory, the audience never is. A
 * user that joins the audience behind the page that is read is included.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { dismissalData } from "../core/delivery_options.ts";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Commit, Store, StoreEntry } from "../core/store.ts";
import {
  type Audience,
  bytesOfText,
  type FanoutPage,
  type FanoutRecord,
  type FanoutSource,
  fanoutState,
  fitsPage,
  PAGE_KEEP_MS,
  pageKey,
  pageSizeOf,
  pagesOf,
  recordKey,
  textOfBytes,
  usersOf,
} from "./_fanout_records.ts";
import type { DueQueue } from "./due_queue.ts";
import type { FanoutCounts } from "./fanout_counts.ts";
import type { JobResult } from "./job_claims.ts";
import type { createPublishOnce } from "./publish_once.ts";

export type { Audience, FanoutSource };

/** Reads an audience in pages. */
export type ReadAudience = (
  audience: Audience,
  page: {
    readonly context: string;
    readonly topic: string;
    /** The `next` of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
) => Promise<{ readonly users: readonly string[]; readonly next?: string }>;

/** Names the record. */
export interface FanoutJob {
  readonly v: 1;
  readonly id: string;
}

interface FanoutOptions {
  readonly store: Store;
  readonly queue: Pick<DueQueue<FanoutJob>, "schedule">;
  readonly buffer: Pick<Buffer, "depth" | "traits">;
  readonly maxNotifications: () => number;
  readonly publishOnce: ReturnType<typeof createPublishOnce>;
  readonly readAudience: ReadAudience;
  readonly counts: FanoutCounts;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly retentionMs: () => number;
  readonly onAccepted: (users: number) => void;
  readonly onEnded: (state: LedgerRecord["state"]) => void;
}

/** How long one run goes on before others have their turn. */
const RUN_MS = 500;
const FULL_PAUSE_MS = 250;

/** Fans notifications out. */
export class Fanouts {
  readonly #options: FanoutOptions;

  constructor(options: FanoutOptions) {
    this.#options = options;
  }

  /**
   * Accepts a notification to many users, together with other records; durable when it resolves.
   *
   * @param notification its user does not matter
   * @throws {ServiceError} `store_unavailable`
   */
  async accept(
    { user: _, data, options = {}, ...rest }: Notification,
    source: FanoutSource,
    { sets = [], isRepeat = false }: {
      readonly sets?: NonNullable<Commit["sets"]>;
      readonly isRepeat?: boolean;
    } = {},
  ): Promise<void> {
    const { store, queue } = this.#options;
    const { id } = rest;
    // Everything is stored in one commit.
    if (isRepeat && await store.get(recordKey(id))) return;
    const { deliverAt: atMs = rest.acceptedAt, ...kept } = options;
    const bytes = bytesOfText(data);
    const pageSize = pageSizeOf(bytes.length, this.#options.maxNotifications());
    const template = { ...rest, data: bytes, options: { ...kept, fanout: id } };
    const value: FanoutRecord = {
      ...{ v: 1, state: "waiting", template, atMs, page: 0, pageSize, users: 0 },
      source: source.kind === "users" ? { kind: "users" } : source,
    };
    const pages = source.kind === "users" ? pagesOf(id, source.users, { pageSize }) : [];
    await queue.schedule([{ job: { v: 1, id }, atMs }], [
      { key: recordKey(id), value },
      ...pages,
      ...sets,
    ]);
  }

  /** Puts some pages into the buffer; the handler of the queue. */
  async run(job: FanoutJob): Promise<JobResult<FanoutJob>> {
    const { clock } = this.#options;
    const until = clock.monotonic() + RUN_MS;
    do {
      const entry = await this.#get(job.id);
      if (!entry || entry.value.state === "done" || entry.value.state === "cancelled") {
        return { done: true };
      }
      if (this.#isBufferBusy(entry.value)) {
        return { done: false, job, atMs: clock.now() + FULL_PAUSE_MS };
      }
      try {
        await this.#runPage(entry);
      } catch (thrown) {
        if (!(thrown instanceof ServiceError) || !thrown.retryAfterSeconds) throw thrown;
        return { done: false, job, atMs: clock.now() + thrown.retryAfterSeconds * 1000 };
      }
    } while (clock.monotonic() < until);
    return { done: false, job, atMs: clock.now() };
  }

  /** Stops a fan-out before its next page; false where it has ended. */
  async cancel(id: string): Promise<boolean> {
    for (;;) {
      const entry = await this.#get(id);
      if (!entry || entry.value.state === "done" || entry.value.state === "cancelled") return false;
      if (!await this.#replace(entry, { ...entry.value, state: "cancelled" })) continue;
      this.#options.onEnded("cancelled");
      return true;
    }
  }

  /** Returns the record of a notification to many users. */
  async find(id: string): Promise<LedgerRecord | undefined> {
    const entry = await this.#get(id);
    if (!entry) return undefined;
    const { template, state, users: count, atMs } = entry.value;
    const { context, topic, acceptedAt, collapseKey } = template;
    const states = await this.#options.counts.of(id);
    const settled = Object.values(states).reduce((sum, each) => sum + each, 0);
    return {
      ...{ id, context, user: "", topic, acceptedAt, targets: [], users: { count, states } },
      ...(collapseKey !== undefined && { collapseKey }),
      ...(state === "waiting" && { deliverAt: atMs }),
      ...(state === "done" && count === 0 && { reason: "no_users" }),
      state: fanoutState(entry.value, { settled, delivered: states["delivered"] ?? 0 }),
    };
  }

  /** Returns a page of users and the ids of their notifications; `undefined` behind the last. */
  async page(
    id: string,
    page: number,
  ): Promise<{ readonly users: readonly string[]; readonly ids: readonly string[] } | undefined> {
    const entry = await this.#options.store.get<FanoutPage>(pageKey(id, page));
    return entry?.value.ids && { users: usersOf(entry.value), ids: entry.value.ids };
  }

  /** Whether others would be locked out by one more page. */
  #isBufferBusy({ pageSize }: FanoutRecord): boolean {
    const { buffer, maxNotifications } = this.#options;
    const { inFlight } = buffer.depth();
    return inFlight > 0 && inFlight + pageSize > maxNotifications() / 2;
  }

  async #runPage(entry: StoreEntry<FanoutRecord>): Promise<void> {
    const { publishOnce, store, retentionMs, onAccepted, onEnded } = this.#options;
    const { template: { id }, page } = entry.value;
    const found = await this.#pageOf(entry.value);
    const users = usersOf(found);
    let ids: readonly string[] = [];
    if (users.length > 0) {
      const make = await this.#maker(entry.value, users);
      const request = {
        ...{ key: ["idempotency", "fanout", id, page], fingerprint: id, count: users.length },
        stamp: make,
      };
      ({ ids } = await publishOnce(request));
    }
    const isLast = found.next === undefined;
    const { after: _, ...rest } = entry.value;
    const value: FanoutRecord = {
      ...rest,
      state: isLast ? "done" : "running",
      page: page + 1,
      users: entry.value.users + users.length,
      ...(found.next !== undefined && { after: found.next }),
    };
    const expireInMs = retentionMs();
    const moved = await store.commit({
      checks: [entry],
      sets: [
        { key: recordKey(id), value, ...(isLast && { expireInMs }) },
        { key: pageKey(id, page), value: { ...found, ids }, expireInMs },
      ],
    });
    // Otherwise it was cancelled meanwhile; the users of this page have it all the same.
    if (!moved) return;
    onAccepted(users.length);
    if (isLast) onEnded(value.users > 0 ? "delivered" : "suppressed");
  }

  /** The page that is next, which stays the same however often it is tried. */
  async #pageOf(
    { template: { id, context, topic }, source, page, pageSize, after }: FanoutRecord,
  ): Promise<FanoutPage> {
    const { store, readAudience } = this.#options;
    const key = pageKey(id, page);
    const stored = await store.get<FanoutPage>(key);
    if (stored) return stored.value;
    let read: Awaited<ReturnType<ReadAudience>>;
    if (source.kind === "users") read = { users: [] };
    else if (source.kind === "dismissal") {
      const earlier = await this.page(source.of, page);
      read = { users: earlier?.users ?? [], ...(earlier && { next: String(page + 1) }) };
    } else {
      let limit = pageSize;
      read = await readAudience(source, { context, topic, after, limit });
      while (limit > 1 && !fitsPage(read.users)) {
        limit = Math.ceil(limit / 2);
        read = await readAudience(source, { context, topic, after, limit });
      }
    }
    const { users, next } = read;
    const value: FanoutPage = {
      users: bytesOfText(JSON.stringify(users)),
      ...(next !== undefined && { next }),
    };
    await store.commit({ sets: [{ key, value, expireInMs: PAGE_KEEP_MS }] });
    return value;
  }

  /** Returns what makes the notifications of a page. */
  async #maker({ template, source, page }: FanoutRecord, users: readonly string[]) {
    const data = textOfBytes(template.data);
    const earlier = source.kind === "dismissal" ? await this.page(source.of, page) : undefined;
    return (ids: readonly string[], acceptedAt: number): readonly Notification[] =>
      users.map((user, at) => {
        const made = { ...template, data, user, id: ids[at]!, acceptedAt };
        if (!earlier) return made;
        const dismiss = { ...template.options!.dismiss!, id: earlier.ids[at]! };
        const options = { ...template.options, dismiss };
        return { ...made, data: dismissalData(dismiss, template.topic), options };
      });
  }

  #replace(entry: StoreEntry<FanoutRecord>, value: FanoutRecord): Promise<boolean> {
    const expireInMs = this.#options.retentionMs();
    return this.#options.store.commit({
      checks: [entry],
      sets: [{ key: entry.key, value, expireInMs }],
    });
  }

  #get(id: string): Promise<StoreEntry<FanoutRecord> | undefined> {
    return this.#options.store.get<FanoutRecord>(recordKey(id));
  }
}
