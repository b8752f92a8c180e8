/**
 * Takes one message to one stored address: through the client's lane, to the transport, and on to
 * what the outcome asks for. A failed attempt becomes a durable job of this one address, so that
 * nobody else waits for it or is told twice.
 */

import type { Clock } from "../core/clock.ts";
import type { TargetRecord } from "../core/ledger.ts";
import type { Message } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Notification } from "../core/notification.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { OutcomeEffects } from "./outcome_effects.ts";
import type { JobResult } from "./due_queue.ts";
import type { ProviderQueues } from "./provider_queues.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import { decideRetry, type RetryDecision } from "./retry_decision.ts";

/** Why a first attempt waits: `escalation` for a socket to acknowledge the event. */
export type HoldReason = "escalation";

/** A message that is to be tried again at one address. */
export interface RetryJob {
  readonly v: 1;
  readonly notification: Notification;
  readonly target: Target;
  /** Attempts that reached the provider so far. */
  readonly attempts: number;
  /** Epoch milliseconds from which its age counts. */
  readonly since: number;
  /** Why its first attempt waits; absent where an attempt has failed. */
  readonly hold?: HoldReason;
}

/** What a courier needs. */
export interface SenderOptions {
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly queues: ProviderQueues;
  readonly generate: (notification: Notification, target: Target) => Message | Promise<Message>;
  readonly effects: OutcomeEffects;
  /** Makes a job durable. */
  readonly schedule: (job: RetryJob, atMs: number) => Promise<void>;
  readonly policy: () => RetryPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: Metrics;
}

/** A message, and what it was made of. */
interface Made extends Pick<Target, "client" | "transport"> {
  readonly notification: Notification;
  readonly message: Message | Promise<Message>;
}

/** See the file's comment. */
export class Sender {
  readonly #options: SenderOptions;
  #lastMade: Made | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** The first attempt. Resolves when its outcome, or a job for the next one, is durable. */
  async deliver(notification: Notification, target: Target): Promise<TargetRecord> {
    const job = {
      v: 1,
      notification,
      target,
      attempts: 0,
      since: notification.acceptedAt,
    } as const;
    const { verdict, attempts } = await this.#attempt(job);
    if (verdict.kind === "again") {
      await this.#options.schedule({ ...job, attempts }, verdict.atMs);
    }
    return this.#record(target, verdict, attempts);
  }

  /** Puts the first attempt off. Resolves when the job for it is durable. */
  async hold(
    notification: Notification,
    target: Target,
    { hold, atMs }: { readonly hold: HoldReason; readonly atMs: number },
  ): Promise<TargetRecord> {
    const { clock, schedule } = this.#options;
    await schedule({ v: 1, notification, target, attempts: 0, since: atMs, hold }, atMs);
    const { client, transport, subscriptionId } = target;
    return {
      client,
      transport,
      ...(subscriptionId !== undefined && { subscription: subscriptionId }),
      state: "held",
      reason: hold,
      at: clock.now(),
      until: atMs,
    };
  }

  /** A further attempt; the record says what came of it. */
  async retry(
    job: RetryJob,
  ): Promise<{ readonly record: TargetRecord; readonly result: JobResult<RetryJob> }> {
    const { verdict, attempts } = await this.#attempt(job);
    const record = this.#record(job.target, verdict, attempts);
    if (verdict.kind === "final") return { record, result: { done: true } };
    const { hold: _, ...begun } = job;
    return { record, result: { done: false, job: { ...begun, attempts }, atMs: verdict.atMs } };
  }

  async #attempt(job: RetryJob): Promise<{ verdict: RetryDecision; attempts: number }> {
    const { queues, clock, policy, random, effects } = this.#options;
    const { notification, target, since } = job;
    const { made, outcome } = await queues.of(target.transport, target.client)
      .submit((signal) => this.#send(notification, target, signal));
    const attempts = job.attempts + (made ? 1 : 0);
    const verdict = decideRetry(outcome, {
      attempts,
      now: clock.now(),
      since,
      expiresAt: notification.expiresAt,
      policy: policy(),
      random: random(),
    });
    const carriedOut = effects(verdict, { notification, target, attempts });
    if (carriedOut) await carriedOut;
    return { verdict, attempts };
  }

  /** In its turn: until then a message need not be made, nor kept. */
  async #send(notification: Notification, target: Target, signal: AbortSignal): Promise<Outcome> {
    const { transports, metrics, clock } = this.#options;
    const { transport, client } = target;
    const { expiresAt } = notification;
    if (expiresAt !== undefined && clock.now() >= expiresAt) {
      return { kind: "retry", reason: "its time ran out before its yieldToEventLoop came" };
    }
    const made = this.#make(notification, target);
    const message = made instanceof Promise ? await made : made;
    const started = clock.monotonic();
    const outcome = await transports.get(transport)!.send(target, message, signal);
    const seconds = (clock.monotonic() - started) / 1000;
    metrics.observe("carillon_send_duration_seconds", { transport, client }, seconds);
    return outcome;
  }

  /** The phones of one user follow each other, and show the same. */
  #make(notification: Notification, target: Target): Message | Promise<Message> {
    const { client, transport } = target;
    const last = this.#lastMade;
    if (
      last?.notification === notification && last.client === client && last.transport === transport
    ) return last.message;
    const message = this.#options.generate(notification, target);
    this.#lastMade = { notification, client, transport, message };
    return message;
  }

  #record(target: Target, verdict: RetryDecision, attempts: number): TargetRecord {
    const { client, transport, subscriptionId } = target;
    return {
      client,
      transport,
      ...(subscriptionId !== undefined && { subscription: subscriptionId }),
      state: verdict.kind === "final" ? verdict.state : "retrying",
      ...(verdict.reason !== undefined && { reason: verdict.reason }),
      ...(verdict.kind === "final" && verdict.providerId !== undefined &&
        { providerId: verdict.providerId }),
      ...(attempts > 1 && { attempts }),
      at: this.#options.clock.now(),
    };
  }
}
