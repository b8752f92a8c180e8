/**
 * Sends one message to one stored address: through the provider queue to the transport, then
 * applies the effects of the outcome. A failed attempt becomes a durable job for this address
 * alone, so that other targets neither wait nor receive the message twice.
 */

import type { TargetRecord } from "../core/ledger.ts";
import type { Message } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Notification } from "../core/notification.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { Tracer } from "../core/tracing.ts";
import type { Transport } from "../core/transport.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { OutcomeEffects } from "./outcome_effects.ts";
import type { JobResult } from "./job_claims.ts";
import type { ProviderQueues } from "./provider_queues.ts";
import { recordOf } from "./ledger.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import { decideRetry, type RetryDecision } from "./retry_decision.ts";

/** Why a first attempt waits: `escalation` for a socket to acknowledge the event. */
type HoldReason = "escalation";

/** A message to retry at one address. */
export interface RetryJob {
  readonly v: 1;
  readonly notification: Notification;
  readonly target: Target;
  /** Attempts that reached the provider so far. */
  readonly attempts: number;
  /** Epoch milliseconds from which the age counts. */
  readonly since: number;
  /** Why the first attempt waits; absent once an attempt was made. */
  readonly hold?: HoldReason;
}

interface SenderOptions extends Pick<SystemDeps, "clock" | "random"> {
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly queues: ProviderQueues;
  readonly generate: (notification: Notification, target: Target) => Message | Promise<Message>;
  readonly effects: OutcomeEffects;
  /** Stores a job; durable when it resolves. */
  readonly schedule: (job: RetryJob, atMs: number) => Promise<void>;
  readonly policy: () => RetryPolicy;
  readonly metrics: Metrics;
  /** Absent where nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

/** A generated message and what it was generated for. */
interface GeneratedMessage extends Pick<Target, "client" | "transport"> {
  readonly notification: Notification;
  readonly message: Message | Promise<Message>;
}

/** Makes first attempts and retries. */
export class Sender {
  readonly #options: SenderOptions;
  #lastGenerated: GeneratedMessage | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Makes the first attempt. Resolves when its outcome or the job for a retry is durable. */
  async deliver(notification: Notification, target: Target): Promise<TargetRecord> {
    const job = {
      v: 1,
      notification,
      target,
      attempts: 0,
      since: notification.acceptedAt,
    } as const;
    const { decision, attempts } = await this.#attempt(job);
    if (decision.kind === "retry") {
      await this.#options.schedule({ ...job, attempts }, decision.atMs);
    }
    return this.#record(target, decision, attempts);
  }

  /** Puts the first attempt off. Resolves when the job for it is durable. */
  async hold(
    notification: Notification,
    target: Target,
    { hold, atMs }: { readonly hold: HoldReason; readonly atMs: number },
  ): Promise<TargetRecord> {
    const { clock, schedule } = this.#options;
    await schedule({ v: 1, notification, target, attempts: 0, since: atMs, hold }, atMs);
    return recordOf(target, { state: "held", reason: hold, at: clock.now(), until: atMs });
  }

  /** Makes a further attempt and returns its record. */
  async retry(
    job: RetryJob,
  ): Promise<{ readonly record: TargetRecord; readonly result: JobResult<RetryJob> }> {
    const { decision, attempts } = await this.#attempt(job);
    const record = this.#record(job.target, decision, attempts);
    if (decision.kind === "final") return { record, result: { done: true } };
    const { hold: _, ...begun } = job;
    return { record, result: { done: false, job: { ...begun, attempts }, atMs: decision.atMs } };
  }

  async #attempt(job: RetryJob): Promise<{ decision: RetryDecision; attempts: number }> {
    const { queues, clock, policy, random, effects } = this.#options;
    const { notification, target, since } = job;
    const { wasAttempted, outcome } = await queues.of(target.transport, target.client)
      .submit((signal) => this.#send(notification, target, signal));
    const attempts = job.attempts + (wasAttempted ? 1 : 0);
    const decision = decideRetry(outcome, {
      attempts,
      now: clock.now(),
      since,
      expiresAt: notification.expiresAt,
      policy: policy(),
      random: random(),
    });
    const applied = effects(decision, { notification, target, attempts });
    if (applied) await applied;
    return { decision, attempts };
  }

  /** Generates the message only now, so that a queued attempt holds no message. */
  async #send(notification: Notification, target: Target, signal: AbortSignal): Promise<Outcome> {
    const { transports, metrics, clock } = this.#options;
    const { transport, client } = target;
    const { expiresAt } = notification;
    if (expiresAt !== undefined && clock.now() >= expiresAt) {
      return { kind: "retry", reason: "the notification expired in the provider queue" };
    }
    const generated = this.#messageFor(notification, target);
    const message = generated instanceof Promise ? await generated : generated;
    const started = clock.monotonic();
    const outcome = await this.#traced(
      notification,
      target,
      () => transports.get(transport)!.send(target, message, signal),
    );
    const seconds = (clock.monotonic() - started) / 1000;
    metrics.observe("carillon_send_duration_seconds", { transport, client }, seconds);
    return outcome;
  }

  /** Makes an attempt within a span, where its notification is traced. */
  #traced(
    { id, traceparent }: Notification,
    { client, transport, subscriptionId }: Target,
    send: () => Outcome | Promise<Outcome>,
  ): Outcome | Promise<Outcome> {
    const { tracer } = this.#options;
    if (tracer === undefined || traceparent === undefined) return send();
    const span = tracer.start(`carillon.send ${transport}`, {
      ...{ kind: "client", parent: traceparent },
      attributes: {
        "messaging.message.id": id,
        "carillon.client": client,
        "carillon.transport": transport,
        ...subscriptionId !== undefined && { "carillon.subscription": subscriptionId },
      },
    });
    if (span === undefined) return send();
    return (async () => {
      const outcome = await span.run(send);
      span.set({ "carillon.outcome": outcome.kind });
      span.end(outcome.kind === "sent" || !("reason" in outcome) ? undefined : outcome.reason);
      return outcome;
    })();
  }

  /** The devices of one user follow each other and share a message. */
  #messageFor(notification: Notification, target: Target): Message | Promise<Message> {
    const { client, transport } = target;
    const last = this.#lastGenerated;
    if (
      last?.notification === notification && last.client === client && last.transport === transport
    ) return last.message;
    const message = this.#options.generate(notification, target);
    this.#lastGenerated = { notification, client, transport, message };
    return message;
  }

  #record(target: Target, decision: RetryDecision, attempts: number): TargetRecord {
    return recordOf(target, {
      state: decision.kind === "final" ? decision.state : "retrying",
      ...(decision.reason !== undefined && { reason: decision.reason }),
      ...(decision.kind === "final" && decision.providerId !== undefined &&
        { providerId: decision.providerId }),
      ...(attempts > 1 && { attempts }),
      at: this.#options.clock.now(),
    });
  }
}
