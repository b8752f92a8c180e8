/**
 * Group commit: while one commit is under way, everything that arrives gathers, and goes together
 * in the next. What belongs together stays together.
 */

import type { Clock } from "../core/clock.ts";
import type { Store } from "../core/store.ts";
import { type CommitPart, packParts } from "./_commit_parts.ts";

/** What a loop needs. */
export interface CommitLoopOptions {
  readonly clock: Clock;
  /** Takes what has gathered; none: the loop rests. */
  readonly gather: () => readonly CommitPart[];
  /** Called when the loop rests: because there is nothing left, or because the store failed. */
  readonly onRest: (hasFailed: boolean) => void;
  readonly onCommit?: ((changes: number, seconds: number) => void) | undefined;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

/** See the file's comment. */
export class CommitLoop {
  readonly #store: Store;
  readonly #options: CommitLoopOptions;
  #running: Promise<unknown> | undefined;

  constructor(store: Store, options: CommitLoopOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * While it runs: resolves when it rests, to what the store threw, if it did. Those concerned
   * have been told by then.
   */
  get running(): Promise<unknown> | undefined {
    return this.#running;
  }

  /** Begins to work, unless it does already. */
  wake(): void {
    this.#running ??= this.#work().then((fault) => {
      this.#running = undefined;
      this.#options.onRest(fault !== undefined);
      return fault;
    });
  }

  async #work(): Promise<unknown> {
    await null; // what is given in this turn of the event loop goes into the same commit
    for (;;) {
      const parts = this.#options.gather();
      if (parts.length === 0) return undefined;
      let fault: unknown;
      for (const batch of packParts(parts, this.#store.traits)) {
        fault = await this.#commit(batch) ?? fault;
      }
      if (fault !== undefined) return fault;
    }
  }

  async #commit(batch: readonly CommitPart[]): Promise<unknown> {
    const { clock, onCommit, onFault } = this.#options;
    const started = clock.monotonic();
    const sets = batch.flatMap((part) => part.sets);
    const deletes = batch.flatMap((part) => part.deletes);
    try {
      await this.#store.commit({ sets, deletes });
    } catch (thrown) {
      for (const part of batch) part.failed(thrown);
      onFault?.(thrown);
      return thrown;
    }
    for (const part of batch) part.done();
    onCommit?.(sets.length + deletes.length, (clock.monotonic() - started) / 1000);
  }
}
