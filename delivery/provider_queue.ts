/**
 * One lane per transport and client: so many sends at once, so many a second, a bounded queue and
 * a circuit breaker. What has no place in a lane is turned back at once, so that a provider that
 * hangs or throttles costs the others nothing.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { Deadlines } from "../core/deadlines.ts";
import type { Outcome } from "../core/outcome.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import { after, type Breaker, type BreakerSettings, CLOSED, enter } from "./breaker.ts";

/** The numbers of a lane. */
export interface ProviderQueueSettings {
  readonly maxConcurrent: number;
  /** 0: no limit. */
  readonly maxPerSecond: number;
  readonly maxQueued: number;
  /** Milliseconds after which an attempt is aborted, whatever the transport does. */
  readonly timeoutMs: number;
  readonly breaker: BreakerSettings;
}

/** What a lane needs. */
export interface ProviderQueueOptions {
  readonly clock: Clock;
  /** Read anew for each attempt, so that a reload counts. */
  readonly settings: () => ProviderQueueSettings;
  /** Lets I/O have its turn while many are turned back. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** What came of asking a lane for an attempt. */
interface AttemptResult {
  /** False where the lane turned it back: no attempt was made. */
  readonly made: boolean;
  readonly outcome: Outcome;
}

/** One attempt. Must not reject for anything the far side does. */
type Attempt = (signal: AbortSignal) => Promise<Outcome>;

interface Queued {
  readonly attempt: Attempt;
  resolve(result: AttemptResult): void;
}

/** How many are turned back before others have their turn: each becomes a durable job. */
const TURNED_BACK_AT_ONCE = 256;

/** See the file's comment. */
export class ProviderQueue {
  readonly #options: ProviderQueueOptions;
  readonly #deadlines: Deadlines;
  /** In order of arrival. */
  readonly #queue = new Set<Queued>();
  #inFlight = 0;
  #breaker: Breaker = CLOSED;
  #isTurningBack = false;
  /** Sends that the rate still allows, and when that was last counted. */
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

  get breaker(): Breaker {
    return this.#breaker;
  }

  /** Makes the attempt when its turn comes, or says at once that it will not. */
  submit(attempt: Attempt): Promise<AttemptResult> {
    const held = this.#heldBack();
    if (held) return Promise.resolve(held);
    if (this.#queue.size >= this.#options.settings().maxQueued) {
      const reason = "too many messages are waiting for this provider";
      return Promise.resolve(turnedBack(reason, 1000));
    }
    return new Promise((resolve) => {
      this.#queue.add({ attempt, resolve });
      this.#pump();
    });
  }

  /** Lets the next attempt through whatever happened before, e.g. after new credentials. */
  reset(): void {
    this.#breaker = CLOSED;
    this.#pump();
  }

  #pump(): void {
    const { clock, settings } = this.#options;
    for (const next of this.#queue) {
      if (this.#inFlight >= settings().maxConcurrent) return;
      if (this.#heldBack()) return void this.#turnBack();
      if (!this.#takeToken()) return;
      const entered = enter(this.#breaker, clock.monotonic());
      if (!entered.pass) return;
      this.#breaker = entered.next;
      this.#queue.delete(next);
      void this.#run(next);
    }
  }

  /** Turns back all that waits, for as long as the breaker holds back. */
  async #turnBack(): Promise<void> {
    if (this.#isTurningBack) return;
    this.#isTurningBack = true;
    let count = 0;
    for (const queued of this.#queue) {
      const held = this.#heldBack();
      if (!held) break;
      this.#queue.delete(queued);
      queued.resolve(held);
      if (++count % TURNED_BACK_AT_ONCE === 0) await this.#options.yieldToEventLoop();
    }
    this.#isTurningBack = false;
    this.#pump();
  }

  async #run({ attempt, resolve }: Queued): Promise<void> {
    const { clock, settings } = this.#options;
    this.#inFlight++;
    const deadline = this.#deadlines.start(settings().timeoutMs);
    let outcome: Outcome;
    try {
      outcome = await attempt(deadline.signal);
    } catch (thrown) {
      // A bug in a transport must neither lose the message nor stop the lane.
      outcome = { kind: "retry", reason: `the transport failed: ${(thrown as Error)?.name}` };
    }
    this.#deadlines.end(deadline);
    this.#inFlight--;
    const now = clock.monotonic();
    this.#breaker = after(this.#breaker, outcome, { now, settings: settings().breaker });
    resolve({ made: true, outcome });
    this.#pump();
  }

  #heldBack(): AttemptResult | undefined {
    const breaker = this.#breaker;
    if (breaker.state === "closed") return undefined;
    const waitMs = breaker.until - this.#options.clock.monotonic();
    if (waitMs <= 0 && !breaker.probing) return undefined;
    return turnedBack(`held back: ${breaker.reason}`, Math.max(waitMs, 1000));
  }

  /** Takes one send from what the rate allows, or asks to be woken when there is one. */
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
      this.#pump();
    });
    return false;
  }
}

function turnedBack(reason: string, afterMs: number): AttemptResult {
  return { made: false, outcome: { kind: "retry", reason, afterMs } };
}
