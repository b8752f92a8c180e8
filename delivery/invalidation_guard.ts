/**
 * Keeps a fault of the configuration from wiping out good tokens. Dead answers are gathered per
 * lane for a while; where they make up most of what the provider said, they are a wave, and no
 * token is removed.
 */

import type { Clock } from "../core/clock.ts";

/** The numbers of the guard. */
export interface InvalidationGuardSettings {
  /** Milliseconds for which answers are gathered. */
  readonly windowMs: number;
  /** Fewer answers than this make no wave. */
  readonly minAnswers: number;
  /** The share of dead answers above which they are a wave, 0 to 1. */
  readonly maxDeadShare: number;
}

/** What a closed window came to. */
export interface InvalidationWindow {
  readonly queue: string;
  readonly answers: number;
  readonly dead: number;
}

/** Whether dead answers make a wave. */
function isInvalidationSpike(
  { answers, dead }: InvalidationWindow,
  settings: InvalidationGuardSettings,
): boolean {
  return answers >= settings.minAnswers && dead / answers > settings.maxDeadShare;
}

interface Gathering {
  answers: number;
  readonly removals: (() => Promise<void>)[];
}

/** See the file's comment. */
export class InvalidationGuard {
  readonly #clock: Clock;
  readonly #settings: InvalidationGuardSettings;
  readonly #onWave: (window: InvalidationWindow) => void;
  readonly #lanes = new Map<string, Gathering>();
  readonly #working = new Set<Promise<unknown>>();

  constructor(
    { clock, settings, onWave }: {
      readonly clock: Clock;
      readonly settings: InvalidationGuardSettings;
      readonly onWave: (window: InvalidationWindow) => void;
    },
  ) {
    this.#clock = clock;
    this.#settings = settings;
    this.#onWave = onWave;
  }

  /** Counts an answer of the provider; `remove` is called later, if it was a dead one and no wave. */
  answered(lane: string, remove?: () => Promise<void>): void {
    let gathering = this.#lanes.get(lane);
    if (!gathering) {
      if (!remove) return; // a window opens with the first dead answer
      gathering = { answers: 0, removals: [] };
      this.#lanes.set(lane, gathering);
      this.#clock.after(this.#settings.windowMs, () => this.#close(lane));
    }
    gathering.answers++;
    if (remove) gathering.removals.push(remove);
  }

  /** Decides on everything gathered so far, e.g. before the service stops. */
  async flush(): Promise<void> {
    for (const lane of [...this.#lanes.keys()]) this.#close(lane);
    await Promise.allSettled([...this.#working]);
  }

  #close(lane: string): void {
    const gathering = this.#lanes.get(lane);
    if (!gathering) return;
    this.#lanes.delete(lane);
    const window = { queue: lane, answers: gathering.answers, dead: gathering.removals.length };
    if (isInvalidationSpike(window, this.#settings)) return this.#onWave(window);
    for (const remove of gathering.removals) {
      const work = remove().finally(() => this.#working.delete(work));
      this.#working.add(work);
    }
  }
}
