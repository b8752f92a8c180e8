/**
 * Sends one message to one stored address: through the provider queue to the transport, then
 * applies the effects of the outcome. A failed attempt becomes a durable job for this address
 * alone, so that other targets neither wait nor receive the message twice.
 */

import type { EarlierAttempt, TargetRecord } from "../core/ledger.ts";
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
import type { Attempt, AttemptResult } from "./provider_queue.ts";
import type { ProviderQueues } from "./provider_queues.ts";
import { recordOf } from "./target_records.ts";
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
  /** Those attempts, the oldest first; of many only the newest. */
  readonly earlier?: readonly EarlierAttempt[];
  /** Why the first attempt waits; absent once an attempt was made. */
  readonly hold?: HoldReason;
}

/** Receives what first attempts come to; each ends in one of the two ways. */
export interface FirstAttempts {
  /** The outcome is final, or the job for a retry is durable. */
  ended(notification: Notification, record: TargetRecord): void;
  /** The store is unavailable: neither the outcome nor a retry could be stored. */
  failed(notification: Notification, thrown: unknown): void;
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

/** What an attempt sends, and until when. */
interface Sending {
  readonly notification: Notification;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** Attempts that a job and a record remember. */
const MAX_EARLIER = 8;

const EXPIRED: Outcome = {
  kind: "retry",
  reason: "the notification expired in the provider queue",
};

/** A generated message and what it was generated for. */
interface GeneratedMessage extends Pick<Target, "client" | "transport"> {
  readonly notification: Notification;
  readonly locale: string | undefined;
  readonly message: Message | Promise<Message>;
}

/** Makes first attempts and retries. */
export class Sender {
  readonly #options: SenderOptions;
  #lastGenerated: GeneratedMessage | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Makes the first attempt, and tells `listener` what came of it. */
  deliver(
    notification: Notification,
    target: Target,
    { listener }: { readonly listener: FirstAttempts },
  ): void {
    this.#submit(target, {
      run: (signal) => this.#send(notification, target, signal),
      end: (result) => {
        try {
          this.#endFirst(result, { notification, target, listener });
        } catch (thrown) {
          listener.failed(notification, thrown);
        }
      },
    });
  }

  /** Mostly there is nothing to wait for, and so no promise. */
  #endFirst(
    result: AttemptResult,
    { notification, target, listener }: {
      readonly notification: Notification;
      readonly target: Target;
      readonly listener: FirstAttempts;
    },
  ): void {
    const since = notification.acceptedAt;
    const attempts = result.wasAttempted ? 1 : 0;
    const decision = this.#decide(result, { notification, target, attempts, since });
    const stored = decision.kind === "final"
      ? this.#options.effects(decision, { notification, target, attempts })
      : this.#options.schedule(
        this.#withAttempt({ v: 1, notification, target, attempts, since }, decision.reason),
        decision.atMs,
      );
    if (!stored) return listener.ended(notification, this.#record(target, decision, attempts));
    stored.then(() => listener.ended(notification, this.#record(target, decision, attempts)))
      .catch((thrown) => listener.failed(notification, thrown));
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
    const { notification, target } = job;
    const result = await new Promise<AttemptResult>((end) =>
      this.#submit(target, { run: (signal) => this.#send(notification, target, signal), end })
    );
    const attempts = job.attempts + (result.wasAttempted ? 1 : 0);
    const decision = this.#decide(result, { notification, target, attempts, since: job.since });
    const applied = this.#options.effects(decision, { notification, target, attempts });
    if (applied) await applied;
    const record = {
      ...this.#record(target, decision, attempts),
      ...(job.earlier && { earlier: job.earlier }),
    };
    if (decision.kind === "final") return { record, result: { done: true } };
    const { hold: _, ...begun } = job;
    const next = result.wasAttempted
      ? this.#withAttempt({ ...begun, attempts }, decision.reason)
      : begun;
    return { record, result: { done: false, job: next, atMs: decision.atMs } };
  }

  /** Adds an attempt that has just failed to the job of the next one. */
  #withAttempt(job: RetryJob, reason: string): RetryJob {
    if (job.attempts === 0) return job;
    const attempt = { at: this.#options.clock.now(), reason };
    return { ...job, earlier: [...job.earlier ?? [], attempt].slice(-MAX_EARLIER) };
  }

  #submit({ transport, client }: Target, attempt: Attempt): void {
    this.#options.queues.of(transport, client).submit(attempt);
  }

  #decide(
    { wasAttempted, outcome, tookMs }: AttemptResult,
    { notification, target, attempts, since }: Omit<RetryJob, "v" | "hold">,
  ): RetryDecision {
    const { clock, policy, random, metrics } = this.#options;
    if (wasAttempted && outcome !== EXPIRED) {
      const { transport, client } = target;
      metrics.observe("carillon_send_duration_seconds", { transport, client }, tookMs / 1000);
    }
    return decideRetry(outcome, {
      attempts,
      now: clock.now(),
      since,
      expiresAt: notification.expiresAt,
      policy: policy(),
      random: random(),
    });
  }

  /** Generates the message only now, so that a queued attempt holds no message. */
  #send(
    notification: Notification,
    target: Target,
    signal: AbortSignal,
  ): Outcome | Promise<Outcome> {
    const { expiresAt } = notification;
    if (expiresAt !== undefined && this.#options.clock.now() >= expiresAt) {
      return EXPIRED;
    }
    const message = this.#messageFor(notification, target);
    const sending = { notification, target, signal };
    return message instanceof Promise
      ? message.then((generated) => this.#sendMessage(generated, sending))
      : this.#sendMessage(message, sending);
  }

  #sendMessage(message: Message, { notification, target, signal }: Sending) {
    const { transports, tracer } = this.#options;
    const transport = transports.get(target.transport)!;
    if (tracer === undefined || notification.traceparent === undefined) {
      return transport.send(target, message, signal);
    }
    return this.#traced(notification, target, () => transport.send(target, message, signal));
  }

  /** Makes an attempt within a span, where its notification is traced. */
  #traced(
    { id, traceparent }: Notification,
    { client, transport, subscriptionId }: Target,
    send: () => Outcome | Promise<Outcome>,
  ): Outcome | Promise<Outcome> {
    const span = this.#options.tracer!.start(`carillon.send ${transport}`, {
      ...{ kind: "client", parent: traceparent! },
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

  /** The devices of one user follow each other and share a message, if they want one language. */
  #messageFor(notification: Notification, target: Target): Message | Promise<Message> {
    const { client, transport, locale } = target;
    const last = this.#lastGenerated;
    if (
      last?.notification === notification && last.client === client &&
      last.transport === transport && last.locale === locale
    ) return last.message;
    const message = this.#options.generate(notification, target);
    this.#lastGenerated = { notification, client, transport, locale, message };
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
