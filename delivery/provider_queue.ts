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

/** The result of a submission. */
interface AttemptResult {
  /** False where the queue rejected it without an attempt. */
  readonly wasAttempted: boolean;
  readonly outcome: Outcome;
}

/** One attempt. Resolves for every answer of the provider; must not reject. */
type Attempt = (signal: AbortSignal) => Promise<Outcome>;

interface Queued {
  /** Monotonic milliseconds. */
  readonly since: number;
  readonly attempt: Attempt;
  resolve(result: AttemptResult): void;
}

/** Rejections between two yields to the event loop: each becomes a durable job. */
const REJECTED_PER_YIELD = 256;

/** Runs attempts within the limits, in the order of submission. */
export class ProviderQueue {
  readonly #options: ProviderQueueOptions;
  readonly #deadlines: Deadlines;
  /** In the order of submission. */
  readonly #queue = new Set<Queued>();
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
    const [oldest] = this.#queue;
    return oldest && Math.floor(this.#options.clock.monotonic() - oldest.since);
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  /** The result of the last attempt that ended, at a monotonic time. */
  get last(): { readonly outcome: Outcome; readonly at: number } | undefined {
    return this.#last;
  }

  /** Runs the attempt when its turn comes, or rejects it at once. */
  submit(attempt: Attempt): Promise<AttemptResult> {
    const rejected = this.#breakerRejection();
    if (rejected) return Promise.resolve(rejected);
    if (this.#queue.size >= this.#options.settings().maxQueued) {
      const reason = "too many messages are waiting for this provider";
      return Promise.resolve(rejection(reason, 1000));
    }
    return new Promise((resolve) => {
      this.#queue.add({ since: this.#options.clock.monotonic(), attempt, resolve });
      this.#startNext();
    });
  }

  /** Closes the breaker, e.g. after new credentials. */
  reset(): void {
    this.#breaker = CLOSED;
    this.#startNext();
  }

  #startNext(): void {
    const { clock, settings } = this.#options;
    for (const next of this.#queue) {
      if (this.#inFlight >= settings().maxConcurrent) return;
      if (this.#breakerRejection()) return void this.#rejectQueued();
      if (!this.#takeToken()) return;
      const entered = enterBreaker(this.#breaker, clock.monotonic());
      if (!entered.pass) return;
      this.#breaker = entered.next;
      this.#queue.delete(next);
      void this.#run(next);
    }
  }

  /** Rejects the queued attempts for as long as the breaker is open. */
  async #rejectQueued(): Promise<void> {
    if (this.#isRejecting) return;
    this.#isRejecting = true;
    let count = 0;
    for (const queued of this.#queue) {
      const rejected = this.#breakerRejection();
      if (!rejected) break;
      this.#queue.delete(queued);
      queued.resolve(rejected);
      if (++count % REJECTED_PER_YIELD === 0) await this.#options.yieldToEventLoop();
    }
    this.#isRejecting = false;
    this.#startNext();
  }

  async #run({ attempt, resolve }: Queued): Promise<void> {
    const { clock, settings } = this.#options;
    this.#inFlight++;
    const deadline = this.#deadlines.start(settings().timeoutMs);
    let outcome: Outcome;
    try {
      outcome = await attempt(deadline.signal);
    } catch (thrown) {
      // A bug in a transport must not lose the message or stop the queue.
      outcome = { kind: "retry", reason: `the transport failed: ${(thrown as Error)?.name}` };
    }
    this.#deadlines.end(deadline);
    this.#inFlight--;
    const now = clock.monotonic();
    this.#last = { outcome, at: now };
    this.#breaker = breakerAfter(this.#breaker, outcome, { now, settings: settings().breaker });
    resolve({ wasAttempted: true, outcome });
    this.#startNext();
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

function rejection(reason: string, afterMs: number): AttemptResult {
  return { wasAttempted: false, outcome: { kind: "retry", reason, afterMs } };
}
