/**
 * Writes the log in group commits: while one commit is under way, everything that arrives waits,
 * and goes together in the next. The loop asks its owner for what is to be written, so changes of
 * both kinds, appended and settled, share a commit. Changes that belong together stay together.
 */

import type { Timer } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { Commit, Store } from "../core/store.ts";
import { type CommitPart, packParts } from "./_commit_parts.ts";
import type { BufferOptions } from "./buffer.ts";

/** Versions that a commit insists on. */
export type CommitChecks = NonNullable<Commit["checks"]>;

/** Provides what every commit insists on. */
export interface CommitGuard {
  /** Called before each round of commits. Where it rejects, the waiting changes fail. */
  checks(): Promise<CommitChecks>;
  /** Called after the store refused a commit because these checks did not hold. */
  refused(checks: CommitChecks): void;
}

/** Settings of {@link CommitLoop}. */
interface CommitLoopOptions extends Pick<BufferOptions, "clock" | "onCommit" | "onFault"> {
  readonly guard?: CommitGuard | undefined;
  /** Lets I/O run before each round, so that more changes share a commit. */
  readonly yieldToEventLoop?: YieldToEventLoop | undefined;
  /** Returns what is to be written now; the loop stops where that is nothing. */
  readonly collect: () => readonly CommitPart[];
  /** Called when the loop stops, because nothing is left or because the store failed. */
  readonly onIdle: (hasFailed: boolean) => void;
}

const NO_CHECKS: CommitChecks = [];
const REFUSED = "Cannot write: this process lost its lease, and others work on its notifications";

/** Commits what its owner collects, one round after the other. */
export class CommitLoop {
  readonly #store: Store;
  readonly #options: CommitLoopOptions;
  #running: Promise<unknown> | undefined;
  #timer: Timer | undefined;
  /** When the timer fires, in monotonic milliseconds. */
  #wakesAt = Infinity;

  constructor(store: Store, options: CommitLoopOptions) {
    this.#store = store;
    this.#options = options;
  }

  /**
   * Is `undefined` unless the loop runs. Resolves when it stops, to what the store threw, if it
   * did; by then it has called `failed` of the parts concerned.
   */
  get running(): Promise<unknown> | undefined {
    return this.#running;
  }

  /** Starts the loop unless it runs. */
  wake(): void {
    this.#running ??= this.#work().then((fault) => {
      this.#running = undefined;
      this.#options.onIdle(fault !== undefined);
      return fault;
    });
  }

  /** Starts the loop at a time in monotonic milliseconds: at the earliest that was asked for. */
  wakeAt(at: number): void {
    if (at >= this.#wakesAt) return;
    const { clock } = this.#options;
    this.cancelTimer();
    this.#wakesAt = at;
    this.#timer = clock.after(at - clock.monotonic(), () => {
      this.#wakesAt = Infinity;
      this.wake();
    });
  }

  cancelTimer(): void {
    this.#timer?.cancel();
    this.#wakesAt = Infinity;
  }

  async #work(): Promise<unknown> {
    const { collect, guard, yieldToEventLoop } = this.#options;
    await null; // changes made before the next microtask share the first commit
    for (;;) {
      await yieldToEventLoop?.();
      let checks = NO_CHECKS;
      try {
        if (guard) checks = await guard.checks();
      } catch (thrown) {
        return this.#fail(collect(), thrown);
      }
      const parts = collect();
      if (parts.length === 0) return undefined;
      const fault = await this.#commitAll(parts, checks);
      if (fault !== undefined) return fault;
    }
  }

  async #commitAll(parts: readonly CommitPart[], checks: CommitChecks): Promise<unknown> {
    const batches = packParts(parts, this.#store.traits);
    let fault: unknown;
    for (const [index, batch] of batches.entries()) {
      const isDone = await this.#commit(batch, checks).catch((thrown) => {
        fault = this.#fail(batch, thrown);
        return true;
      });
      if (isDone) continue;
      const refused = new ServiceError("store_unavailable", REFUSED, { retryAfterSeconds: 1 });
      this.#fail(batches.slice(index).flat(), refused);
      this.#options.guard?.refused(checks);
      break;
    }
    return fault;
  }

  /** Returns false where a check did not hold. */
  async #commit(batch: readonly CommitPart[], checks: CommitChecks): Promise<boolean> {
    const { clock, onCommit } = this.#options;
    const startedAt = clock.monotonic();
    const sets = batch.flatMap((part) => part.sets);
    const deletes = batch.flatMap((part) => part.deletes);
    if (!await this.#store.commit({ checks, sets, deletes })) return false;
    for (const part of batch) part.done();
    onCommit?.(sets.length + deletes.length, (clock.monotonic() - startedAt) / 1000);
    return true;
  }

  #fail(parts: readonly CommitPart[], thrown: unknown): unknown {
    for (const part of parts) part.failed(thrown);
    if (parts.length > 0) this.#options.onFault?.(thrown);
    return thrown;
  }
}
