/**
 * Wires the parts of delivery: publish → plan → attempt → settle → record. It holds no rule of its
 * own; each is in the file that it is named after.
 */

import type { Buffer, LedgerName } from "../buffer/mod.ts";
import type { Settings, Snapshot, View } from "../cascade/mod.ts";
import { within } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub } from "../core/events.ts";
import { type IdSource, idTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Message } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Notification } from "../core/notification.ts";
import type { RateLimiter } from "../core/rate_limiter.ts";
import type { Store } from "../core/store.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { Inbox } from "../inbox/mod.ts";
import { createLocalLimiter } from "../core/token_bucket.ts";
import type { Tracer } from "../core/tracing.ts";
import type { Transport } from "../core/transport.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import { createOutcomeEffects, type TokenUpdates } from "./outcome_effects.ts";
import { type RetryJob, Sender } from "./sender.ts";
import { DeadLetters } from "./dead_letters.ts";
import { type DigestJob, Digests } from "./digests.ts";
import { quietDecision, silenced } from "./quiet.ts";
import { createDispatch, type Matching } from "./dispatch.ts";
import { DueQueue } from "./due_queue.ts";
import type { CommitChanges, JobResult } from "./job_claims.ts";
import { Feedback, type FeedbackJob } from "./feedback.ts";
import { ProviderQueues } from "./provider_queues.ts";
import { DeferredReceipts } from "./deferred_receipts.ts";
import type { ReceiptTokens } from "./receipt_tokens.ts";
import { Ledger } from "./ledger.ts";
import { createObserver } from "./observe.ts";
import { derived, INVALIDATION_GUARD, providerQueueSettings, retryPolicy } from "./policies.ts";
import type { ReadAudience } from "./fanout.ts";
import { FanoutCounts } from "./fanout_counts.ts";
import { createPublishing, type Publishing } from "./publishing.ts";
import type { Publish } from "./publish.ts";
import { createReports, type Reports } from "./reports.ts";
import type { TakeBack } from "./take_back.ts";
import { createReplay, createRetries, type Replay } from "./retries.ts";
import { packNotification, unpackNotification } from "./stored_notification.ts";
import { traceDispatch } from "./traced_dispatch.ts";
import { InvalidationGuard } from "./invalidation_guard.ts";

/** What delivery needs of the subscriptions. */
interface Subscriptions extends Matching, TokenUpdates {
  /** The current target, or `undefined` where the user no longer subscribes with it. */
  refresh(target: Target): Promise<Target | undefined>;
}

/** Dependencies of {@link createPipeline}. */
export interface PipelineOptions extends SystemDeps {
  readonly buffer: Buffer;
  readonly store: Store;
  readonly commit: CommitChanges;
  readonly subscriptions: Subscriptions;
  readonly sockets: Pick<EventHub, "presence" | "publish">;
  readonly inbox: Pick<Inbox, "add">;
  readonly settings: () => Settings;
  readonly configuration: () => Pick<Snapshot, "view">;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly generate: (notification: Notification, target: Target, view: View) => Message;
  readonly receiptTokens: ReceiptTokens;
  readonly readAudience: ReadAudience;
  readonly fetch: typeof fetch;
  readonly ids: IdSource;
  readonly yieldToEventLoop: YieldToEventLoop;
  readonly metrics: Metrics;
  /** Enforces the publish limits; absent: each node counts for itself. */
  readonly limiter?: RateLimiter;
  /** Absent where nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

/** Delivery as the rest of the service sees it. */
export interface Pipeline extends AsyncDisposable {
  readonly publish: Publish;
  readonly letters: DeadLetters;
  readonly replay: Replay;
  readonly queues: ProviderQueues;
  /** Whether a client has options for a transport, valid or not: its messages are accepted. */
  readonly serves: (transport: TransportName, client: string) => boolean;
  /** Finds a notification, or its record, by the id that its publisher got. */
  find(id: string): Promise<LedgerRecord | Notification | undefined>;
  /** Returns a notification that waits for its time. */
  scheduled(id: string): Promise<Notification | undefined>;
  readonly list: Publishing["list"];
  readonly takeBack: TakeBack;
  /** Events for publishers, to be read again. */
  readonly feedback: Pick<Feedback, "list">;
  readonly fanouts: Publishing["fanouts"];
  readonly reports: Reports;
  /** Records that a returning client received a notification that was kept for it. */
  acknowledge(name: LedgerName, client: string): void;
  /** Retries that wait for their due time. */
  retriesWaiting(): number;
  /** Notifications accepted but not settled. */
  inFlight(): number;
  /**
   * Starts delivery. `recovered` resolves to the number of notifications left in flight by an
   * earlier run, once all are read back, or rejects where they cannot be read.
   */
  start(): Promise<{ readonly recovered: Promise<number> }>;
  /** Delivers what is due, waits for attempts in progress, and keeps the rest. */
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const RETRIES_AT_ONCE = 1_000;
const FEEDBACK_AT_ONCE = 8;
const DIGESTS_AT_ONCE = 64;
/** How long a stop waits for receipts of clients that returned just before. */
const RECEIPTS_STOP_MS = 1_000;
const HORIZON_MS = 25 * HOUR_MS;

/** Creates the pipeline; `start` begins the work. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { buffer, store, commit, subscriptions, settings, configuration, transports } = options;
  const { sockets, receiptTokens, clock, ids, random, yieldToEventLoop, log, metrics } = options;

  const queue = { store, commit, clock, ids, random, horizonMs: HORIZON_MS, onFault };
  const retryQueue = new DueQueue<RetryJob>({
    ...queue,
    prefix: "retry",
    maxRunning: RETRIES_AT_ONCE,
  });
  const feedbackQueue = new DueQueue<FeedbackJob>({
    ...queue,
    prefix: "feedback",
    maxRunning: FEEDBACK_AT_ONCE,
  });
  const feedback = new Feedback({
    ...{ clock, ids, random, log, metrics, queue: feedbackQueue, fetch: options.fetch, store },
    retentionMs: () => settings().feedback.retentionHours * HOUR_MS,
    settings: () => {
      const { url, secret } = settings().feedback;
      return url === "" ? undefined : { url, secret };
    },
  });
  const deadLetters = new DeadLetters({
    ...{ store, commit, clock, ids },
    retentionMs: () => settings().deadLetters.retentionDays * 24 * HOUR_MS,
  });
  const guard = new InvalidationGuard({
    clock,
    settings: INVALIDATION_GUARD,
    onSpike: (window) =>
      log.error(
        "too many tokens were reported invalid at once, so none was removed; check the credentials and the environment of this client",
        { ...window },
      ),
  });
  const effects = createOutcomeEffects({
    ...{ tokens: subscriptions, deadLetters, feedback, guard, metrics, log },
  });
  const queues = new ProviderQueues({
    ...{ clock, yieldToEventLoop },
    settings: (transport) => {
      const { traits } = transports.get(transport)!;
      return derived(settings, (now) => providerQueueSettings(now, traits));
    },
  });
  const counts = new FanoutCounts({
    ...{ store, clock, tag: idTag(ids()) },
    retentionMs: () => settings().ledger.retentionHours * HOUR_MS,
  });
  const ledger = new Ledger(buffer, createObserver(metrics, (record) => counts.settled(record)));
  const receipts = new DeferredReceipts({
    clock,
    amend: ({ name, kind, ...receipt }) =>
      kind === undefined
        ? ledger.acknowledge(name, { client: receipt.client!, at: receipt.at })
        : reports.write(name, { ...receipt, kind }),
  });
  const reports = createReports({ ledger, receipts, feedback, tokens: receiptTokens, clock });
  function generate(notification: Notification, target: Target): Message | Promise<Message> {
    const view = configuration().view(target.context, target.user);
    return view instanceof Promise ? view.then(generateWith) : generateWith(view);

    function generateWith(view: View): Message {
      const message = options.generate(notification, target, view);
      const quiet = quietDecision(notification, target, { permissions: view, now: clock.now() });
      const shown = quiet?.action === "silent" ? silenced(message) : message;
      if (!notification.options?.receipts) return shown;
      return { ...shown, receipt: receiptTokens.of(notification.id) };
    }
  }
  const { tracer } = options;
  const sender = new Sender({
    tracer,
    ...{ transports, queues, generate, effects, clock, random, metrics },
    schedule: (job, atMs) => retryQueue.schedule([{ job: packNotification(job), atMs }]),
    policy: derived(settings, retryPolicy),
  });
  // Messages of a client with invalid options wait for an operator.
  const serves = (name: TransportName, client: string) => {
    const transport = transports.get(name);
    return transport !== undefined &&
      (transport.serves(client) || transport.status().some((one) => one.client === client));
  };
  const digestQueue = new DueQueue<DigestJob>({
    ...queue,
    prefix: "digest",
    maxRunning: DIGESTS_AT_ONCE,
  });
  const digests = new Digests({
    ...{ store, queue: digestQueue, sender, ledger, configuration, clock },
    refresh: (target) => subscriptions.refresh(target),
  });
  const dispatch = createDispatch({
    ...{ matching: subscriptions, sockets, configuration, sender, ledger, digests },
    ...{ inbox: options.inbox, serves, clock, ids, log },
    recordsSockets: () => settings().ledger.sockets,
    release: (id) => buffer.release(id),
  });
  const handled = tracer ? traceDispatch(dispatch, { tracer, clock }) : dispatch;
  const retries = createRetries({
    ...{ sender, ledger, digests, configuration, clock, serves },
    refresh: (target) => subscriptions.refresh(target),
  });
  const publishing = createPublishing({
    ...{ buffer, store, ledger, counts, settings, configuration, clock, ids, metrics, queue },
    readAudience: options.readAudience,
    limiter: options.limiter ?? createLocalLimiter({ clock }),
  });

  async function retry(stored: RetryJob): Promise<JobResult<RetryJob>> {
    const result = await retries(unpackNotification(stored));
    return result.done ? result : { ...result, job: packNotification(result.job) };
  }

  function onFault(thrown: unknown) {
    log.error("delivery failed and is tried again", { reason: messageOf(thrown) });
  }

  async function stop() {
    await publishing.stop();
    await buffer.stop();
    // What is unfinished after the longest attempt stays in the log for the next start.
    await within(ledger.idle(), { clock, ms: settings().delivery.attemptTimeoutMs });
    await Promise.all([retryQueue.stop(), digestQueue.stop(), guard.flush()]);
    await feedbackQueue.stop();
    await counts.flush();
    await within(receipts.flush(), { clock, ms: RECEIPTS_STOP_MS });
    receipts.close();
    await buffer.close();
  }

  return {
    publish: publishing.publish,
    letters: deadLetters,
    replay: createReplay({
      deadLetters,
      ledger,
      clock,
      schedule: (jobs) =>
        retryQueue.schedule(jobs.map((each) => ({ ...each, job: packNotification(each.job) }))),
    }),
    queues,
    serves,
    find: (id) => publishing.find(id),
    scheduled: (id) => publishing.scheduled(id),
    list: publishing.list,
    takeBack: publishing.takeBack,
    feedback,
    fanouts: publishing.fanouts,
    reports,
    acknowledge: (name, client) => receipts.add(name, client),
    retriesWaiting: () => retryQueue.waiting,
    inFlight: () => buffer.depth().inFlight + ledger.retrying + publishing.waiting(),
    async start() {
      const retrying = new Set<string>();
      await retryQueue.start(retry, ({ notification }) => retrying.add(notification.id));
      // Of a shared store it is not known whose these are.
      if (!store.traits.shared) { for await (const id of digests.heldIds()) retrying.add(id); }
      ledger.resume(retrying.size);
      await digestQueue.start((job) => digests.send(job));
      await feedbackQueue.start((job) => feedback.send(job));
      const started = buffer.start(handled);
      started.catch(() => {}); // `recovered` reports it
      const waiting = await publishing.start();
      return { recovered: started.then((count) => retrying.size + waiting + count) };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
