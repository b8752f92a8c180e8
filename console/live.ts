/**
 * The live data of the console: one timer for all viewers, which runs only while somebody looks.
 * Each tick asks for the reports once, whatever the number of viewers.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { NodeReport } from "../core/node_report.ts";

/** The sums over all nodes at one moment. */
export interface LiveSample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly dead: number;
  /** Targets that accepted a message, that are tried again, and that did not take it. */
  readonly sent: number;
  readonly retrying: number;
  readonly failed: number;
}

/** The reports of all nodes, and the samples of the last minutes. */
export interface LiveState {
  readonly reports: readonly NodeReport[];
  /**
   * The oldest first. Counters only rise, so the two samples around a time when nobody looked say its
   * mean rate; the first one is older than the window, or the start of the oldest node.
   */
  readonly samples: readonly LiveSample[];
}

interface LiveOptions {
  readonly reports: () => Promise<readonly NodeReport[]>;
  readonly clock: Clock;
}

type Listener = (state: LiveState) => void;

const EVERY_MS = 2_000;
const MIN_GAP_MS = 1_000;
/** How far back the samples go. */
export const LIVE_WINDOW_MS = 240_000;

/** Gives viewers the reports of all nodes again and again. */
export class LiveFeed implements Disposable {
  readonly #options: LiveOptions;
  readonly #viewers = new Set<Listener>();
  #samples: readonly LiveSample[] = [];
  #timer: Timer | undefined;
  #isReading = false;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** The number of viewers. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** Calls `listener` at once and then at each tick, until the returned function is called. */
  watch(listener: Listener): () => void {
    this.#viewers.add(listener);
    this.#schedule(0);
    return () => {
      this.#viewers.delete(listener);
      if (this.#viewers.size === 0) this[Symbol.dispose]();
    };
  }

  /** Returns the state now, without a timer. */
  async once(): Promise<LiveState> {
    return this.#next(await this.#options.reports());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const state = await this.once();
      for (const listener of [...this.#viewers]) listener(state);
    } catch {
      // The store is unavailable for a moment: the next tick shows it again.
    } finally {
      this.#isReading = false;
      if (this.#viewers.size > 0) this.#schedule(EVERY_MS);
    }
  }

  #next(reports: readonly NodeReport[]): LiveState {
    const sum = (of: (report: NodeReport) => number) =>
      reports.reduce((total, report) => total + of(report), 0);
    const sample: LiveSample = {
      at: this.#options.clock.now(),
      accepted: sum(({ accepted }) => accepted),
      delivered: sum(({ settled }) => settled["delivered"] ?? 0),
      dead: sum(({ settled }) => settled["dead"] ?? 0),
      sent: sum(outcomesOf("sent")),
      retrying: sum(outcomesOf("retrying")),
      failed: sum(outcomesOf("dead", "rejected", "gone", "expired")),
    };
    const known = this.#samples.length > 0 ? this.#samples : startOf(reports);
    // Page loads read besides the timer: a rate over a few milliseconds would say nothing.
    const isSoon = sample.at - (known.at(-1)?.at ?? -Infinity) < MIN_GAP_MS;
    const recent = known.findIndex(({ at }) => at >= sample.at - LIVE_WINDOW_MS);
    const kept = known.slice(recent < 0 ? -1 : Math.max(0, recent - 1));
    this.#samples = isSoon ? kept : [...kept, sample];
    return { reports, samples: this.#samples };
  }
}

/** The counters at the start of the oldest node, when they were all zero. */
function startOf(reports: readonly NodeReport[]): readonly LiveSample[] {
  const starts = reports.flatMap(({ startedAt }) => startedAt ?? []);
  if (starts.length === 0) return [];
  const at = Math.min(...starts);
  return [{ at, accepted: 0, delivered: 0, dead: 0, sent: 0, retrying: 0, failed: 0 }];
}

function outcomesOf(...wanted: readonly string[]): (report: NodeReport) => number {
  return ({ outcomes }) =>
    outcomes.reduce((sum, { outcome, count }) => wanted.includes(outcome) ? sum + count : sum, 0);
}
