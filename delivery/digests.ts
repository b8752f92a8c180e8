/**
 * Messages that quiet hours hold back, sent as one digest for each address when they end. What is
 * held is in the store: a small record for each notification and the newest notification itself,
 * with one job for each address and end. A notification that was cancelled, acknowledged or expired
 * meanwhile is left out. At least once: a crash during the send may repeat a digest.
 */

import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { EarlierAttempt, LedgerRecord, TargetRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Store, StoreKey } from "../core/store.ts";
import type { Target } from "../core/subscription.ts";
import type { ConfigurationSnapshot } from "./dispatch.ts";
import type { DueQueue } from "./due_queue.ts";
import type { JobResult } from "./job_claims.ts";
import type { Ledger } from "./ledger.ts";
import { recordOf } from "./target_records.ts";
import { quietDecision } from "./quiet.ts";
import type { Sender } from "./sender.ts";

/** A digest to be sent to one address. */
export interface DigestJob {
  readonly v: 1;
  readonly target: Target;
  /** When the quiet hours end, in epoch milliseconds. */
  readonly until: number;
  /** Attempts that reached the provider so far, and the newest of them that failed. */
  readonly attempts: number;
  readonly earlier?: readonly EarlierAttempt[];
}

/** A held notification without its data. */
type HeldNotification = Omit<Notification, "data" | "sourceToken" | "options" | "collapseKey">;

/** The newest one, with its data as UTF-8. */
type NewestNotification = Omit<Notification, "data"> & { readonly data: Uint8Array };

interface DigestOptions {
  readonly store: Store;
  readonly queue: Pick<DueQueue<DigestJob>, "schedule">;
  readonly sender: Sender;
  readonly ledger: Ledger;
  readonly configuration: () => ConfigurationSnapshot;
  readonly refresh: (target: Target) => Promise<Target | undefined>;
  readonly clock: Clock;
}

/** The topic of a digest, for templates. Its data: `count`, `title`, `message` and `topics`. */
const DIGEST_TOPIC = "carillon:digest";
/** Notifications in one digest; further ones make another. */
const MAX_HELD = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Holds messages and sends them as digests. */
export class Digests {
  readonly #options: DigestOptions;

  constructor(options: DigestOptions) {
    this.#options = options;
  }

  /** Holds a message until quiet hours end; durable when it resolves. */
  async hold(notification: Notification, target: Target, until: number): Promise<TargetRecord> {
    const { queue, clock } = this.#options;
    const { data, sourceToken: _, options: _options, collapseKey: _key, ...held } = notification;
    const newest: NewestNotification = { ...notification, data: encoder.encode(data) };
    const job: DigestJob = { v: 1, target, until, attempts: 0 };
    await queue.schedule([{ job, atMs: until, id: jobId(target, until) }], [
      { key: [...heldKey(target), notification.id], value: held },
      { key: newestKey(target), value: newest },
    ]);
    return recordOf(target, {
      ...{ state: "held", reason: "quiet hours", at: clock.now(), until },
    });
  }

  /** Returns the ids of all held notifications, for the count of those in flight. */
  async *heldIds(): AsyncIterable<string> {
    for await (const { key } of this.#options.store.list({ prefix: ["held"] })) {
      yield String(key.at(-1));
    }
  }

  /** Sends a digest; the handler of the queue. */
  async send(job: DigestJob): Promise<JobResult<DigestJob>> {
    const { configuration, refresh, sender, clock } = this.#options;
    const { target: address, until, attempts, earlier } = job;
    const held = await this.#held(address);
    if (held.length === 0) return { done: true };
    const target = await refresh(address);
    const { context, user } = address;
    const permissions = await configuration().view(context, user);
    const now = clock.now();
    const quiet = quietDecision(held.at(-1)!, address, { permissions, now });
    if (quiet?.action === "hold") return { done: false, job, atMs: quiet.until };
    const live: HeldNotification[] = [];
    for (const each of held) {
      const record = await this.#options.ledger.record(each);
      const ended = endOf(each, { address, isSubscribed: target !== undefined, record, now });
      if (ended === undefined) live.push(each);
      else await this.#end([each], recordOf(address, { ...ended, at: now }));
    }
    if (live.length > 0) {
      const notification = await this.#digestOf(live, address);
      const { record, result } = await sender.retry({
        ...{ v: 1, notification, target: target!, attempts, since: until },
        ...(earlier && { earlier }),
      });
      if (!result.done) {
        const { attempts, earlier } = result.job;
        const next = { ...job, attempts, ...(earlier && { earlier }) };
        return { done: false, job: next, atMs: result.atMs };
      }
      const reason = record.reason ?? (live.length > 1 ? "digest" : undefined);
      await this.#end(live, { ...record, ...(reason !== undefined && { reason }) });
    }
    if (held.length === MAX_HELD) {
      return { done: false, job: { v: 1, target: address, until, attempts: 0 }, atMs: now };
    }
    return { done: true };
  }

  async #held(target: Target): Promise<readonly HeldNotification[]> {
    const found: HeldNotification[] = [];
    const range = { prefix: heldKey(target), limit: MAX_HELD };
    for await (const { value } of this.#options.store.list<HeldNotification>(range)) {
      found.push(value);
    }
    return found;
  }

  /** Writes what held notifications came to, and forgets them. */
  async #end(held: readonly HeldNotification[], record: TargetRecord): Promise<void> {
    const { ledger, store } = this.#options;
    for (const each of held) {
      const name = { ...each, data: "{}" };
      if (record.state !== "cancelled") await ledger.retried(name, record);
      const target = { ...each, subscriptionId: record.subscription! };
      await store.commit({ deletes: [[...heldKey(target), each.id]] });
    }
    const [newest] = held.slice(-1);
    const key = newestKey({ ...newest!, subscriptionId: record.subscription! });
    const stored = await store.get<NewestNotification>(key);
    // A newer one may be held already.
    if (stored && held.some(({ id }) => id === stored.value.id)) {
      await store.commit({ checks: [stored], deletes: [key] });
    }
  }

  /** One notification that stands for all of them: the only one itself, or a digest. */
  async #digestOf(live: readonly HeldNotification[], target: Target): Promise<Notification> {
    const last = live.at(-1)!;
    const stored = await this.#options.store.get<NewestNotification>(newestKey(target));
    const newest = stored && { ...stored.value, data: decoder.decode(stored.value.data) };
    if (live.length === 1 && newest?.id === last.id) return newest;
    const topics: Record<string, number> = {};
    for (const { topic } of live) topics[topic] = (topics[topic] ?? 0) + 1;
    const count = live.length;
    const title = count === 1 ? "1 notification" : `${count} notifications`;
    const data = { count, title, message: Object.keys(topics).slice(0, 5).join(", "), topics };
    return { ...last, topic: DIGEST_TOPIC, data: JSON.stringify(data), priority: "medium" };
  }
}

/** Why a held notification is not sent, or `undefined`. */
function endOf(
  { expiresAt }: HeldNotification,
  { address, isSubscribed, record, now }: {
    readonly address: Target;
    readonly isSubscribed: boolean;
    readonly record: LedgerRecord | undefined;
    readonly now: number;
  },
): Pick<TargetRecord, "state" | "reason"> | undefined {
  const mine = record?.targets.find(({ subscription }) =>
    subscription !== undefined && subscription === address.subscriptionId
  );
  if (mine?.state === "cancelled") return { state: "cancelled" };
  if (!isSubscribed) return { state: "gone", reason: "the user unsubscribed" };
  if (record?.receipts?.length) {
    return { state: "seen", reason: "a client acknowledged it in time" };
  }
  if (expiresAt === undefined || now < expiresAt) return undefined;
  return { state: "expired", reason: "the notification expired in quiet hours" };
}

type Address = Pick<Target, "context" | "user" | "subscriptionId">;

function heldKey({ context, user, subscriptionId }: Address): StoreKey {
  return ["held", context, user, subscriptionId ?? ""];
}

function newestKey({ context, user, subscriptionId }: Address): StoreKey {
  return ["heldNewest", context, user, subscriptionId ?? ""];
}

/** The same for all that is held for one address until one time, so that there is one job. */
function jobId(target: Target, until: number): string {
  const name = JSON.stringify([...heldKey(target), until]);
  return createHash("sha256").update(name).digest("base64url");
}
