/**
 * Group commit: while one commit is under way, everything that arrives gathers, and goes together
 * in the next. What belongs together stays together.
 */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Commit, Store } from "../core/store.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import { type CommitPart, packParts } from "./_commit_parts.ts";

/** Versions that a commit insists on. */
export type CommitChecks = NonNullable<Commit["checks"]>;

/** What every commit insists on. */
export interface CommitGuard {
  /** Asked before each round. Where it rejects, so does what has gathered. */
  checks(): Promise<CommitChecks>;
  /** A commit was refused because these did not hold any more. */
  refused(checks: CommitChecks): void;
}

/** What a loop needs. */
export interface CommitLoopOptions {
  readonly clock: Clock;
  readonly guard?: CommitGuard | undefined;
  /** Lets I/O have its turn before each round, so that more gathers. */
  readonly yieldToEventLoop?: YieldToEventLoop | undefined;
  /** Takes what has gathered; none: the loop rests. */
  readonly gather: () => readonly CommitPart[];
  /** Called when the loop rests: because there is nothing left, or because the store failed. */
  readonly onIdle: (hasFailed: boolean) => void;
  readonly onCommit?: ((changes: number, seconds: number) => void) | undefined;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

const NO_CHECKS: CommitChecks = [];
const REFUSED = "Cannot write: this process was out of sight, and others have taken over";

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
      this.#options.onIdle(fault !== undefined);
      return fault;
    });
  }

  async #work(): Promise<unknown> {
    const { gather, guard, yieldToEventLoop } = this.#options;
    await null; // what is given in this turn of the event loop goes into the same commit
    for (;;) {
      await yieldToEventLoop?.();
      let checks = NO_CHECKS;
      try {
        if (guard) checks = await guard.checks();
      } catch (thrown) {
        return this.#fail(gather(), thrown);
      }
      const parts = gather();
      if (parts.length === 0) return undefined;
      const fault = await this.#commitAll(parts, checks);
      if (fault !== undefined) return fault;
    }
  }

  async #commitAll(parts: readonly CommitPart[], checks: CommitChecks): Promise<unknown> {
    const { guard } = this.#options;
    const batches = packParts(parts, this.#store.traits);
    let fault: unknown;
    for (const [index, batch] of batches.entries()) {
      const done = await this.#commit(batch, checks).catch((thrown) => {
        fault = this.#fail(batch, thrown);
        return true;
      });
      if (done) continue;
      this.#fail(
        batches.slice(index).flat(),
        new ServiceError("store_unavailable", REFUSED, {
          retryAfterSeconds: 1,
        }),
      );
      guard?.refused(checks);
      break;
    }
    return fault;
  }

  /** False where a check did not hold. */
  async #commit(batch: readonly CommitPart[], checks: CommitChecks): Promise<boolean> {
    const { clock, onCommit } = this.#options;
    const started = clock.monotonic();
    const sets = batch.flatMap((part) => part.sets);
    const deletes = batch.flatMap((part) => part.deletes);
    if (!await this.#store.commit({ checks, sets, deletes })) return false;
    for (const part of batch) part.done();
    onCommit?.(sets.length + deletes.length, (clock.monotonic() - started) / 1000);
    return true;
  }

  #fail(parts: readonly CommitPart[], thrown: unknown): unknown {
    for (const part of parts) part.failed(thrown);
    if (parts.length > 0) this.#options.onFault?.(thrown);
    return thrown;
  }
}
