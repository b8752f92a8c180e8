/**
 * Puts together what accepts notifications: at once, later, for many users, and what takes them
 * back. It holds no rule of its own; each is in the file that it is named after.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Settings, Snapshot, View } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { LedgerPage, LedgerQuery } from "../core/ledger_list.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Notification } from "../core/notification.ts";
import type { RateLimiter } from "../core/rate_limiter.ts";
import type { Store } from "../core/store.ts";
import { DueQueue, type DueQueueOptions } from "./due_queue.ts";
import { type FanoutJob, type FanoutPartJob, Fanouts, type ReadAudience } from "./fanout.ts";
import type { FanoutCounts } from "./fanout_counts.ts";
import type { Ledger } from "./ledger.ts";
import { listNotifications } from "./notification_list.ts";
import { createPublish, type Publish } from "./publish.ts";
import { createPublishLimits } from "./publish_limits.ts";
import { createPublishOnce } from "./publish_once.ts";
import { SCHEDULE_HORIZON_MS, type ScheduledJob, ScheduledNotifications } from "./scheduled.ts";
import { createTakeBack, type TakeBack } from "./take_back.ts";

interface PublishingOptions {
  readonly buffer: Buffer;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly counts: FanoutCounts;
  readonly readAudience: ReadAudience;
  readonly settings: () => Settings;
  readonly configuration: () => Pick<Snapshot, "view">;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly metrics: Metrics;
  /** What all queues of jobs have in common. */
  readonly queue: Omit<DueQueueOptions, "prefix" | "maxRunning">;
}

/** What accepts notifications. */
export interface Publishing {
  readonly publish: Publish;
  readonly takeBack: TakeBack;
  readonly fanouts: Pick<Fanouts, "page">;
  /** Finds a notification, or its record, by the id that its publisher got. */
  find(id: string): Promise<LedgerRecord | Notification | undefined>;
  /** Returns a notification that waits for its time. */
  scheduled(id: string): Promise<Notification | undefined>;
  /** Lists notifications, the newest first, scheduled ones and those to many users included. */
  list(query: LedgerQuery): Promise<LedgerPage>;
  /** Notifications that wait for their time, or for their users. */
  waiting(): number;
  /** Begins to release what is due. Returns how many an earlier run has left, where that is known. */
  start(): Promise<number>;
  /** Releases no more. */
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const RELEASES_AT_ONCE = 128;
const FANOUTS_AT_ONCE = 8;
/** How soon another process goes on with a fan-out: a page is accepted once, also by two of them. */
const FANOUT_LEASE_MS = 30_000;
/** The limit of a context is read as the view of a user without settings. */
const NO_USER = "";

/** Creates {@link Publishing}; nothing is released before `start`. */
export function createPublishing(options: PublishingOptions): Publishing {
  const { buffer, store, ledger, counts, readAudience, settings, configuration } = options;
  const { limiter, clock, ids, metrics } = options;
  const queue = { ...options.queue, horizonMs: SCHEDULE_HORIZON_MS };
  const scheduledQueue = new DueQueue<ScheduledJob>({
    ...{ ...queue, prefix: "scheduled", maxRunning: RELEASES_AT_ONCE },
  });
  const fanoutQueue = new DueQueue<FanoutJob>({
    ...{ ...queue, prefix: "fanoutJob", maxRunning: FANOUTS_AT_ONCE, leaseMs: FANOUT_LEASE_MS },
  });
  const partQueue = new DueQueue<FanoutPartJob>({
    ...{ ...queue, prefix: "fanoutPartJob", maxRunning: FANOUTS_AT_ONCE },
  });
  const idempotencyMs = () => settings().idempotency.retentionHours * HOUR_MS;
  const retentionMs = () => settings().ledger.retentionHours * HOUR_MS;
  const once = { store, clock, ids, idempotencyMs };
  const publishOnce = createPublishOnce({ ...once, buffer });
  const scheduled = new ScheduledNotifications({
    ...{ store, buffer, clock, retentionMs, publishOnce, queue: scheduledQueue },
    onCancelled: () => countSettled("cancelled"),
  });
  const fanouts = new Fanouts({
    ...{ store, buffer, ledger, clock, ids, counts, readAudience, retentionMs, publishOnce },
    timeZone,
    queue: fanoutQueue,
    parts: partQueue,
    maxNotifications: () => settings().buffer.maxNotifications,
    onAccepted(users) {
      metrics.count("carillon_fanout_users_total", {}, users);
      countAccepted(users);
    },
    onEnded: countSettled,
  });
  const publish = createPublish({
    ...{ ...once, buffer, scheduled, fanouts, timeZone },
    limits: createPublishLimits({
      limiter,
      perKey: () => settings().publish.maxPerSecondPerKey,
      perContext: (context) => read(context, NO_USER, limitOf),
      onLimited: (limit) => metrics.count("carillon_publish_limited_total", { limit }),
    }),
    maxPayloadBytes: () => settings().publish.maxPayloadBytes,
  });

  function timeZone(context: string, user: string): string | Promise<string> {
    return read(context, user, zoneOf);
  }

  function countAccepted(count = 1): void {
    metrics.count("carillon_notifications_accepted_total", {}, count);
  }

  function countSettled(state: LedgerRecord["state"]): void {
    metrics.count("carillon_notifications_settled_total", { state });
  }

  function read<T>(context: string, user: string, value: (view: View) => T): T | Promise<T> {
    const view = configuration().view(context, user);
    return view instanceof Promise ? view.then(value) : value(view);
  }

  return {
    publish,
    fanouts,
    takeBack: createTakeBack({
      ...{ buffer, ledger, scheduled, fanouts, ids, clock },
      onAccepted: () => countAccepted(),
    }),
    async find(id) {
      return await buffer.find(id) ?? await scheduled.find(id) ?? await fanouts.find(id);
    },
    scheduled: (id) => scheduled.waiting(id),
    list: (query) => listNotifications(query, { store, buffer, scheduled, fanouts }),
    waiting: () => scheduledQueue.waiting + fanoutQueue.waiting,
    async start() {
      let count = 0;
      await scheduledQueue.start((job) => scheduled.release(job), () => count++);
      await fanoutQueue.start((job) => fanouts.run(job), () => count++);
      await partQueue.start((job) => fanouts.runPart(job));
      return count;
    },
    async stop() {
      await Promise.all([scheduledQueue.stop(), fanoutQueue.stop(), partQueue.stop()]);
    },
  };
}

function zoneOf(view: View): string {
  return view.get("io.carillon.timeZone");
}

function limitOf(view: View): number {
  return view.get("io.carillon.publish.maxPerSecondPerContext");
}
