/**
 * Protects valid tokens from a wrong configuration. It counts the answers of each provider queue
 * for a while; if most of them declare the token dead, the credentials or the environment are
 * probably wrong, and no token is removed.
 */

import type { Clock } from "../core/clock.ts";
import type { Target } from "../core/subscription.ts";

/** When dead answers count as a spike. */
export interface InvalidationGuardSettings {
  /** Milliseconds for which answers are collected. */
  readonly windowMs: number;
  /** Fewer answers than this are never a spike. */
  readonly minAnswers: number;
  /** The share of dead answers, 0 to 1, above which they are a spike. */
  readonly maxDeadShare: number;
}

/** The answers of one queue in one closed window. */
export interface InvalidationWindow {
  /** Transport and client, with a slash in between. */
  readonly queue: string;
  readonly answers: number;
  readonly dead: number;
}

function isInvalidationSpike(
  { answers, dead }: InvalidationWindow,
  settings: InvalidationGuardSettings,
): boolean {
  return answers >= settings.minAnswers && dead / answers > settings.maxDeadShare;
}

interface InvalidationGuardOptions {
  readonly clock: Clock;
  readonly settings: InvalidationGuardSettings;
  readonly onSpike: (window: InvalidationWindow) => void;
}

interface Collected {
  answers: number;
  readonly removals: (() => Promise<void>)[];
}

/** Delays the removal of dead tokens until it is clear that they are not a spike. */
export class InvalidationGuard {
  readonly #options: InvalidationGuardOptions;
  readonly #windows = new Map<string, Collected>();
  readonly #working = new Set<Promise<unknown>>();

  constructor(options: InvalidationGuardOptions) {
    this.#options = options;
  }

  /**
   * Counts an answer of the provider. `remove` is set for a dead token, and runs when the window
   * closes without a spike.
   */
  record(
    { transport, client }: Pick<Target, "transport" | "client">,
    remove?: () => Promise<void>,
  ): void {
    // The first dead answer opens a window.
    if (!remove && this.#windows.size === 0) return;
    const queue = `${transport}/${client}`;
    let collected = this.#windows.get(queue);
    if (!collected) {
      if (!remove) return;
      collected = { answers: 0, removals: [] };
      this.#windows.set(queue, collected);
      const { clock, settings } = this.#options;
      clock.after(settings.windowMs, () => this.#close(queue));
    }
    collected.answers++;
    if (remove) collected.removals.push(remove);
  }

  /** Closes all windows now, e.g. before the service stops. */
  async flush(): Promise<void> {
    for (const queue of [...this.#windows.keys()]) this.#close(queue);
    await Promise.allSettled([...this.#working]);
  }

  #close(queue: string): void {
    const collected = this.#windows.get(queue);
    if (!collected) return;
    this.#windows.delete(queue);
    const window = { queue, answers: collected.answers, dead: collected.removals.length };
    const { settings, onSpike } = this.#options;
    if (isInvalidationSpike(window, settings)) return onSpike(window);
    for (const remove of collected.removals) {
      const work = remove().finally(() => this.#working.delete(work));
      this.#working.add(work);
    }
  }
}
