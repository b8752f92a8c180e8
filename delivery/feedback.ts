/**
 * Sends webhooks to the publisher about what it cannot know: a token that is dead or replaced, a
 * message that was given up. Webhooks are durable, signed as Standard Webhooks
 * (https://www.standardwebhooks.com), and retried until the receiver answers 2xx.
 */

import { createHmac } from "node:crypto";
import { firstIdAt, type IdSource } from "../core/ids.ts";
import type { JsonObject } from "../core/json.ts";
import type { ReceiptKind } from "../core/ledger.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Store, StoreKey } from "../core/store.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { DueQueue } from "./due_queue.ts";
import type { JobResult } from "./job_claims.ts";
import { backoffMs } from "./retry_policy.ts";

type FeedbackType =
  | "subscription.gone"
  | "subscription.updated"
  | "message.dead"
  | `notification.${ReceiptKind}`;

/** An event as it can be read again. */
interface FeedbackEvent {
  /** The same as the `webhook-id` of its webhook. */
  readonly id: string;
  readonly type: FeedbackType;
  readonly data: JsonObject;
  /** Epoch milliseconds. */
  readonly at: number;
}

const EVENTS = "feedbackEvent";
/** How long an event is not listed yet: clocks of nodes differ, and writes take their time. */
const SETTLING_MS = 5_000;

/** A webhook to be sent. */
export interface FeedbackJob {
  readonly v: 1;
  /** The same on every attempt, so that the receiver can recognize repeats. */
  readonly id: string;
  readonly type: FeedbackType;
  readonly data: JsonObject;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly attempts: number;
}

/** Where webhooks go. */
interface FeedbackSettings {
  readonly url: string;
  /** `whsec_` and base64, as in Standard Webhooks; any other text is used as it is. */
  readonly secret: string;
}

const TIMEOUT_MS = 15_000;
const GIVE_UP_MS = 24 * 3_600_000;
const BACKOFF = { baseMs: 10_000, capMs: 3_600_000 };

interface FeedbackOptions extends SystemDeps {
  /** Undefined: feedback is off. */
  readonly settings: () => FeedbackSettings | undefined;
  readonly queue: DueQueue<FeedbackJob>;
  readonly store: Store;
  /** Milliseconds for which events can be read again; 0: they cannot. */
  readonly retentionMs: () => number;
  readonly fetch: typeof fetch;
  readonly ids: IdSource;
  readonly metrics: Metrics;
}

/** Queues and sends webhooks. */
export class Feedback {
  readonly #options: FeedbackOptions;

  constructor(options: FeedbackOptions) {
    this.#options = options;
  }

  /** Queues a webhook; durable when it resolves. */
  async enqueue(type: FeedbackType, data: JsonObject): Promise<void> {
    const { settings, queue, clock, ids, retentionMs } = this.#options;
    const isWanted = settings() !== undefined;
    const expireInMs = retentionMs();
    if (!isWanted && expireInMs === 0) return;
    const at = clock.now();
    const id = ids();
    const jobs = isWanted
      ? [{ job: { v: 1, id, type, data, at, attempts: 0 } as const, atMs: at }]
      : [];
    const value: FeedbackEvent = { id, type, data, at };
    const sets = expireInMs > 0 ? [{ key: [EVENTS, id], value, expireInMs }] : [];
    await queue.schedule(jobs, sets);
  }

  /**
   * Lists events in the order of their ids, those of the last seconds excepted: an event whose write
   * takes that long would otherwise appear before a cursor that has passed it.
   *
   * @param options.after the id of the last event that is known
   * @throws {ServiceError} `store_unavailable`
   */
  async list(
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly FeedbackEvent[]> {
    const { store, clock } = this.#options;
    const start: StoreKey = [EVENTS, after === undefined ? "" : `${after}\u0000`];
    const end: StoreKey = [EVENTS, firstIdAt(clock.now() - SETTLING_MS)];
    if (after !== undefined && after >= String(end[1])) return [];
    const events: FeedbackEvent[] = [];
    for await (
      const { value } of store.list<FeedbackEvent>({ prefix: [EVENTS], start, end, limit })
    ) {
      events.push(value);
    }
    return events;
  }

  /** Makes one attempt; the handler of the queue. */
  async send(job: FeedbackJob): Promise<JobResult<FeedbackJob>> {
    const { settings, clock, random, log, metrics } = this.#options;
    const to = settings();
    if (!to) return { done: true };
    const fault = await this.#post(job, to);
    metrics.count("carillon_feedback_total", { type: job.type, result: fault ? "failed" : "sent" });
    if (fault === undefined) return { done: true };
    const attempts = job.attempts + 1;
    const atMs = clock.now() + BACKOFF.baseMs +
      backoffMs(attempts, { ...BACKOFF, random: random() });
    if (atMs - job.at > GIVE_UP_MS) {
      log.error("a feedback webhook was given up after a day of attempts", {
        id: job.id,
        type: job.type,
        reason: fault,
      });
      return { done: true };
    }
    log.warn("a feedback webhook failed and will be retried", {
      id: job.id,
      type: job.type,
      reason: fault,
    });
    return { done: false, job: { ...job, attempts }, atMs };
  }

  /** Returns why the attempt failed, or `undefined` where it succeeded. */
  async #post(job: FeedbackJob, { url, secret }: FeedbackSettings): Promise<string | undefined> {
    const { fetch, clock } = this.#options;
    const timestamp = Math.floor(clock.now() / 1000);
    const { type, data, at } = job;
    const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
    try {
      const response = await fetch(url, {
        method: "POST",
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          "content-type": "application/json",
          "webhook-id": job.id,
          "webhook-timestamp": String(timestamp),
          "webhook-signature": sign(`${job.id}.${timestamp}.${body}`, secret),
        },
        body,
      });
      await response.body?.cancel();
      return response.ok ? undefined : `it answered ${response.status}`;
    } catch (thrown) {
      return thrown instanceof Error ? thrown.name : "it could not be reached";
    }
  }
}

/** Returns `v1,` and the base64 of HMAC-SHA-256. */
function sign(content: string, secret: string): string {
  const key = secret.startsWith("whsec_")
    ? Uint8Array.fromBase64(secret.slice("whsec_".length))
    : secret;
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}
