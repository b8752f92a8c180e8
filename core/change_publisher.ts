/**
 * Changes on their way to other nodes: sent in batches, one after the other, and again after a
 * pause where that fails. Bounded: where too many wait, they become one change that says so.
 */

import type { Change } from "./change_feed.ts";
import { type Clock, sleep } from "./clock.ts";

/** What {@link ChangePublisher} need. */
export interface ChangePublisherOptions {
  /** Sends a batch; where it rejects, the batch is sent again. */
  readonly send: (changes: readonly Change[]) => Promise<void>;
  readonly onFault: (thrown: unknown) => void;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

/** The most that is sent at once. */
const MAX_BATCH = 100;
const MAX_WAITING = 10_000;
/** Half as much at least, half as much more at most. */
const RETRY_MS = 1_000;

/** Never lost but at the end: what cannot be sent when it is disposed is given up. */
export class ChangePublisher implements AsyncDisposable {
  readonly #options: ChangePublisherOptions;
  readonly #closing = new AbortController();
  /** By what they say: while it waits, the same change need not be told twice. */
  readonly #waiting = new Map<string, Change>();
  #sending: Promise<void> | undefined;

  constructor(options: ChangePublisherOptions) {
    this.#options = options;
  }

  add(change: Change): void {
    if (this.#waiting.size >= MAX_WAITING) {
      this.#waiting.clear();
      this.#put({ kind: "unknown" });
    }
    this.#put(change);
    this.#sending ??= this.#send().finally(() => this.#sending = undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }

  #put(change: Change): void {
    this.#waiting.set(JSON.stringify(change), change);
  }

  async #send(): Promise<void> {
    const { send, onFault, clock, random } = this.#options;
    const { signal } = this.#closing;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, MAX_BATCH);
      // Before it is sent: one that is added meanwhile is a later change.
      for (const [key] of batch) this.#waiting.delete(key);
      try {
        await send(batch.map(([, change]) => change));
      } catch (thrown) {
        onFault(thrown);
        if (signal.aborted) return;
        for (const [, change] of batch) this.#put(change);
        await sleep(clock, RETRY_MS * (0.5 + random()), signal).catch(() => {});
      }
    }
  }
}
