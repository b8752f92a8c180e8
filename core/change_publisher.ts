/**
 * Sends changes to other nodes in batches, one batch at a time, and retries a batch that fails. The
 * queue is bounded: when it is full, one change of kind `unknown` replaces what waits.
 */

import type { Change } from "./change_feed.ts";
import { sleep } from "./clock.ts";
import type { SystemDeps } from "./system_deps.ts";

interface ChangePublisherOptions extends Pick<SystemDeps, "clock" | "random"> {
  /** Sends a batch; where it rejects, the batch is sent again. */
  readonly send: (changes: readonly Change[]) => Promise<void>;
  readonly onFault: (thrown: unknown) => void;
}

/** Changes in one batch. */
const MAX_BATCH = 100;
const MAX_WAITING = 10_000;
/** Plus or minus half of it at random. */
const RETRY_MS = 1_000;

/** Queues changes and sends them. Changes that cannot be sent at disposal are dropped. */
export class ChangePublisher implements AsyncDisposable {
  readonly #options: ChangePublisherOptions;
  readonly #closing = new AbortController();
  /** By their JSON, so that a change that already waits is not sent twice. */
  readonly #waiting = new Map<string, Change>();
  #sending: Promise<void> | undefined;

  constructor(options: ChangePublisherOptions) {
    this.#options = options;
  }

  /** Queues a change and starts to send. */
  add(change: Change): void {
    if (this.#waiting.size >= MAX_WAITING) {
      this.#waiting.clear();
      this.#put({ kind: "unknown" });
    }
    this.#put(change);
    this.#sending ??= this.#send();
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
      // Removed before the send: an equal change that is added meanwhile is a later one.
      for (const [key] of batch) this.#waiting.delete(key);
      try {
        await send(batch.map(([, change]) => change));
      } catch (thrown) {
        onFault(thrown);
        if (signal.aborted) break;
        for (const [, change] of batch) this.#put(change);
        await sleep(clock, RETRY_MS * (0.5 + random()), signal).catch(() => {});
      }
    }
    this.#sending = undefined;
  }
}
