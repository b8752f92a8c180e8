/**
 * Notifications that are delivered later. Each is a record in the store and a job with its time; in
 * memory there is nothing until it is due. Then it is put into the buffer like any other, under an
 * id of its own, because the buffer's log is ordered by ids: the record says which one. It is put at
 * most once, as with an idempotency key, whatever process does it and crashes meanwhile.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Commit, Store, StoreEntry, StoreKey } from "../core/store.ts";
import { MAX_SCHEDULE_MS } from "./deliver_at.ts";
import type { DueQueue } from "./due_queue.ts";
import type { JobResult } from "./job_claims.ts";
import type { createPublishOnce } from "./publish_once.ts";

/** Names the record that is due. */
export interface ScheduledJob {
  readonly v: 1;
  readonly id: string;
}

/** A notification with its data as UTF-8, which takes no more than it was accepted with. */
type StoredNotification = Omit<Notification, "data"> & { readonly data: Uint8Array };

/** What is stored of a scheduled notification. */
export interface ScheduledRecord {
  readonly v: 1;
  /** `releasing`: it is being put into the buffer and cannot be cancelled here any more. */
  readonly state: "scheduled" | "releasing" | "released" | "cancelled";
  /** Without its data once it is released or cancelled. */
  readonly notification: StoredNotification;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Its id in the buffer, once it is there. */
  readonly deliveredAs?: string;
}

/** What scheduling needs. */
interface ScheduledOptions {
  readonly store: Store;
  readonly queue: Pick<DueQueue<ScheduledJob>, "schedule">;
  readonly buffer: Pick<Buffer, "find" | "traits">;
  /** Puts the due notification into the buffer, once for each key. */
  readonly publishOnce: ReturnType<typeof createPublishOnce>;
  readonly clock: Pick<Clock, "now">;
  /** Milliseconds for which a record is kept that is released or cancelled. */
  readonly retentionMs: () => number;
  readonly onCancelled: () => void;
}

/** The first part of the keys of the records, which ids follow. */
export const SCHEDULED_PREFIX = "scheduledNotification";
/** Jobs are never further ahead than this. */
export const SCHEDULE_HORIZON_MS = MAX_SCHEDULE_MS + 24 * 3_600_000;
/** Notifications in one request: each takes two changes of a commit. */
export const MAX_SCHEDULED_BATCH = 400;
/** How soon a release that the buffer refused is tried again. */
const PAUSE_MS = 1_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes notifications in like a buffer, and gives them to the buffer when they are due. */
export class ScheduledNotifications implements Pick<Buffer, "put" | "traits"> {
  readonly #options: ScheduledOptions;

  constructor(options: ScheduledOptions) {
    this.#options = options;
  }

  get traits(): Buffer["traits"] {
    return this.#options.buffer.traits;
  }

  /**
   * Schedules notifications, all or none, together with other records; durable when it resolves.
   *
   * @param given with `options.deliverAt`; at most {@link MAX_SCHEDULED_BATCH}
   * @throws {ServiceError} `store_unavailable`
   */
  async put(
    given: readonly Notification[],
    sets: NonNullable<Commit["sets"]> = [],
    { isRepeat = false }: { readonly isRepeat?: boolean } = {},
  ): Promise<void> {
    const { store, queue } = this.#options;
    // They were stored in one commit, so that the first one speaks for all.
    if (isRepeat && given[0] && await store.get(keyOf(given[0].id))) return;
    const jobs = given.map(({ id, options }) => ({
      job: { v: 1, id } as const,
      atMs: options!.deliverAt!,
    }));
    const records = given.map((notification, at) => ({
      key: keyOf(notification.id),
      value: {
        v: 1,
        state: "scheduled",
        notification: { ...notification, data: encoder.encode(notification.data) },
        atMs: jobs[at]!.atMs,
      } satisfies ScheduledRecord,
    }));
    await queue.schedule(jobs, [...records, ...sets]);
  }

  /** Puts a due notification into the buffer; what the queue calls. */
  async release(job: ScheduledJob): Promise<JobResult<ScheduledJob>> {
    const { clock, publishOnce } = this.#options;
    const now = clock.now();
    const entry = await this.#get(job.id);
    if (!entry) return { done: true };
    const { atMs } = entry.value;
    // The clock was set back since it became due.
    if (atMs > now && atMs <= now + SCHEDULE_HORIZON_MS) return { done: false, job, atMs };
    const claimed = await this.#claim(entry);
    if (!claimed) return { done: true };
    try {
      const { ids } = await publishOnce({
        key: ["idempotency", "scheduled", job.id],
        fingerprint: job.id,
        count: 1,
        stamp: ([id], acceptedAt) => [due(claimed.notification, { id: id!, acceptedAt })],
      });
      await this.#end({ ...claimed, state: "released", deliveredAs: ids[0]! });
      return { done: true };
    } catch (thrown) {
      if (!(thrown instanceof ServiceError) || thrown.retryAfterSeconds === undefined) throw thrown;
      // The buffer is full, or this node is stopping.
      return { done: false, job, atMs: now + PAUSE_MS };
    }
  }

  /** Cancels a notification; false where it is not scheduled, or not any more. */
  async cancel(id: string): Promise<boolean> {
    for (;;) {
      const entry = await this.#get(id);
      if (entry?.value.state !== "scheduled") return false;
      if (await this.#end({ ...entry.value, state: "cancelled" }, entry.version)) {
        this.#options.onCancelled();
        return true;
      }
    }
  }

  /** What is known of a notification that was scheduled under this id. */
  async find(id: string): Promise<LedgerRecord | undefined> {
    const entry = await this.#get(id);
    if (!entry) return undefined;
    const { state, notification, atMs, deliveredAs } = entry.value;
    const { context, user, topic, acceptedAt, collapseKey } = notification;
    const known = {
      ...{ id, context, user, topic, acceptedAt, targets: [] },
      ...(collapseKey !== undefined && { collapseKey }),
    };
    if (state === "cancelled") return { ...known, state };
    if (deliveredAs === undefined) return { ...known, state: "scheduled", deliverAt: atMs };
    const found = await this.#options.buffer.find(deliveredAs);
    if (!found) return undefined;
    const record = "state" in found ? found : { ...known, state: "in_flight" as const };
    return { ...record, id, acceptedAt, deliveredAs };
  }

  /** Returns a notification that waits for its time. */
  async waiting(id: string): Promise<Notification | undefined> {
    const { state, notification } = (await this.#get(id))?.value ?? {};
    if (state !== "scheduled") return undefined;
    return { ...notification!, data: decoder.decode(notification!.data) };
  }

  /** Marks a record as being released; `undefined` where it is released or cancelled already. */
  async #claim(entry: StoreEntry<ScheduledRecord>): Promise<ScheduledRecord | undefined> {
    for (let known: typeof entry | undefined = entry; known;) {
      const { key, version, value } = known;
      if (value.state === "releasing") return value;
      if (value.state !== "scheduled") return undefined;
      const mine = { ...value, state: "releasing" as const };
      const { store } = this.#options;
      if (await store.commit({ checks: [{ key, version }], sets: [{ key, value: mine }] })) {
        return mine;
      }
      known = await this.#get(value.notification.id);
    }
    return undefined;
  }

  #end(record: ScheduledRecord, version?: string): Promise<boolean> {
    const key = keyOf(record.notification.id);
    const value = { ...record, notification: { ...record.notification, data: new Uint8Array() } };
    return this.#options.store.commit({
      ...(version !== undefined && { checks: [{ key, version }] }),
      sets: [{ key, value, expireInMs: this.#options.retentionMs() }],
    });
  }

  #get(id: string): Promise<StoreEntry<ScheduledRecord> | undefined> {
    return this.#options.store.get<ScheduledRecord>(keyOf(id));
  }
}

function keyOf(id: string): StoreKey {
  return [SCHEDULED_PREFIX, id];
}

/** The notification as the buffer takes it: now, under another id. */
function due(
  { options, ...stored }: StoredNotification,
  { id, acceptedAt }: Pick<Notification, "id" | "acceptedAt">,
): Notification {
  const { deliverAt: _, ...rest } = options!;
  const data = decoder.decode(stored.data);
  const notification = { ...stored, data, id, acceptedAt };
  return Object.keys(rest).length === 0 ? notification : { ...notification, options: rest };
}
