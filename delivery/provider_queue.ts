/**
 * The queue of one transport and client, a bulkhead: it limits concurrency, rate and length and has
 * a circuit breaker. It rejects at once what it cannot take, so that a provider that hangs or
 * throttles does not slow down the others.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { Deadlines } from "../core/deadlines.ts";
import type { Outcome } from "../core/outcome.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import {
  type Breaker,
  breakerAfter,
  type BreakerSettings,
  CLOSED,
  enterBreaker,
} from "./breaker.ts";

/** The limits of a queue. */
export interface ProviderQueueSettings {
  readonly maxConcurrent: number;
  /** 0: no limit. */
  readonly maxPerSecond: number;
  readonly maxQueued: number;
  /** Milliseconds after which an attempt is aborted, whatever the transport does. */
  readonly timeoutMs: number;
  readonly breaker: BreakerSettings;
}

/** Dependencies of {@link ProviderQueue}. */
export interface ProviderQueueOptions {
  readonly clock: Clock;
  /** Read for each attempt, so that a reload takes effect. */
  readonly settings: () => ProviderQueueSettings;
  /** Lets I/O run while many queued attempts are rejected. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** What came of an attempt. */
export interface AttemptResult {
  /** False where the queue rejected it without an attempt. */
  readonly wasAttempted: boolean;
  readonly outcome: Outcome;
  /** Milliseconds from the start of the attempt to its outcome. */
  readonly tookMs: number;
}

/** An attempt that waits for its turn. Thousands may wait, so it is no promise but one object. */
export interface Attempt {
  /** Returns an outcome for every answer of the provider; must not reject. */
  run(signal: AbortSignal): Outcome | Promise<Outcome>;
  /** Called once, also within `submit`, where the queue rejects it at once. Must not throw. */
  end(result: AttemptResult): void;
}

/** Rejections between two yields to the event loop: each becomes a durable job. */
const REJECTED_PER_YIELD = 256;

/** Runs attempts within the limits, in the order of submission. */
export class ProviderQueue {
  readonly #options: ProviderQueueOptions;
  readonly #deadlines: Deadlines;
  /** In the order of submission, with its monotonic milliseconds. */
  readonly #queue = new Map<Attempt, number>();
  #inFlight = 0;
  #breaker: Breaker = CLOSED;
  #last: { readonly outcome: Outcome; readonly at: number } | undefined;
  #isRejecting = false;
  /** Sends that the rate allows now, and when that was last computed. */
  #tokens = 0;
  #countedAt: number;
  #timer: Timer | undefined;

  constructor(options: ProviderQueueOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#countedAt = options.clock.monotonic() - 1000;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Attempts that wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Milliseconds that the oldest attempt has waited; undefined where none waits. */
  get oldestMs(): number | undefined {
    const [oldest] = this.#queue.values();
    if (oldest === undefined) return undefined;
    return Math.floor(this.#options.clock.monotonic() - oldest);
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  /** The result of the last attempt that ended, at a monotonic time. */
  get last(): { readonly outcome: Outcome; readonly at: number } | undefined {
    return this.#last;
  }

  /** Runs the attempt when its turn comes, or rejects it at once. */
  submit(attempt: Attempt): void {
    const rejected = this.#breakerRejection();
    if (rejected) return attempt.end(rejected);
    if (this.#queue.size >= this.#options.settings().maxQueued) {
      return attempt.end(rejection("too many messages are waiting for this provider", 1000));
    }
    const now = this.#options.clock.monotonic();
    // Mostly it starts at once, and an entry in the queue would cost as much as the rest.
    if (this.#queue.size === 0 && this.#hasRoom() && this.#mayStart()) {
      return this.#run(attempt, now);
    }
    this.#queue.set(attempt, now);
    this.#startNext();
  }

  /** Closes the breaker, e.g. after new credentials. */
  reset(): void {
    this.#breaker = CLOSED;
    this.#startNext();
  }

  #startNext(): void {
    for (const next of this.#queue.keys()) {
      if (!this.#hasRoom()) return;
      if (this.#breakerRejection()) return void this.#rejectQueued();
      if (!this.#mayStart()) return;
      this.#queue.delete(next);
      this.#run(next, this.#options.clock.monotonic());
    }
  }

  #hasRoom(): boolean {
    return this.#inFlight < this.#options.settings().maxConcurrent;
  }

  /** Whether the rate and the breaker let an attempt start now, which then must. */
  #mayStart(): boolean {
    if (!this.#takeToken()) return false;
    if (this.#breaker.state === "closed") return true;
    const entered = enterBreaker(this.#breaker, this.#options.clock.monotonic());
    this.#breaker = entered.next;
    return entered.pass;
  }

  /** Rejects the queued attempts for as long as the breaker is open. */
  async #rejectQueued(): Promise<void> {
    if (this.#isRejecting) return;
    this.#isRejecting = true;
    let count = 0;
    for (const waiting of this.#queue.keys()) {
      const rejected = this.#breakerRejection();
      if (!rejected) break;
      this.#queue.delete(waiting);
      waiting.end(rejected);
      if (++count % REJECTED_PER_YIELD === 0) await this.#options.yieldToEventLoop();
    }
    this.#isRejecting = false;
    this.#startNext();
  }

  #run(attempt: Attempt, startedAt: number): void {
    const { clock, settings } = this.#options;
    this.#inFlight++;
    const deadline = this.#deadlines.start(settings().timeoutMs, startedAt);
    const end = (outcome: Outcome) => {
      this.#deadlines.end(deadline);
      this.#inFlight--;
      const now = clock.monotonic();
      this.#last = { outcome, at: now };
      this.#breaker = breakerAfter(this.#breaker, outcome, { now, settings: settings().breaker });
      this.#startNext();
      attempt.end({ wasAttempted: true, outcome, tookMs: now - startedAt });
    };
    const fail = (thrown: unknown) => end(failed(thrown));
    try {
      Promise.resolve(attempt.run(deadline.signal)).then(end, fail);
    } catch (thrown) {
      fail(thrown);
    }
  }

  #breakerRejection(): AttemptResult | undefined {
    const breaker = this.#breaker;
    if (breaker.state === "closed") return undefined;
    const waitMs = breaker.until - this.#options.clock.monotonic();
    if (waitMs <= 0 && !breaker.probing) return undefined;
    return rejection(`the circuit breaker is open: ${breaker.reason}`, Math.max(waitMs, 1000));
  }

  /** Takes one send from the rate limit, or sets a timer for the next one. */
  #takeToken(): boolean {
    const { clock, settings } = this.#options;
    const { maxPerSecond } = settings();
    if (maxPerSecond === 0) return true;
    const now = clock.monotonic();
    const earned = (now - this.#countedAt) / 1000 * maxPerSecond;
    this.#tokens = Math.min(maxPerSecond, this.#tokens + earned);
    this.#countedAt = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return true;
    }
    this.#timer ??= clock.after(Math.ceil((1 - this.#tokens) / maxPerSecond * 1000), () => {
      this.#timer = undefined;
      this.#startNext();
    });
    return false;
  }
}

/** A bug in a transport must not lose the message or stop the queue. */
function failed(thrown: unknown): Outcome {
  return { kind: "retry", reason: `the transport failed: ${(thrown as Error)?.name}` };
}

function rejection(reason: string, afterMs: number): AttemptResult {
  return { wasAttempted: false, outcome: { kind: "retry", reason, afterMs }, tookMs: 0 };
}
