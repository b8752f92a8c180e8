/**
 * Records in the ledger that a returning client received the events kept for it (`kept` becomes
 * `sent`). It waits a moment first, because the frame may not have left the process and the record
 * may not be written yet, and tries a few times where the record is missing or the store
 * unavailable. Receipts are in memory only and bounded: after a loss, the record of a delivered
 * notification stays `kept`.
 */

import type { LedgerName } from "../buffer/mod.ts";
import type { ReceiptKind } from "../core/ledger.ts";
import type { Clock, Timer } from "../core/clock.ts";

/** A client received a notification that was kept for it, or reported one. */
export interface DeferredReceipt {
  readonly name: LedgerName;
  /** Absent where an app reported it with a receipt token. */
  readonly client?: string;
  /** The connection id of its socket. */
  readonly connection?: string;
  /** What the client reported; absent where it received what was kept for it. */
  readonly kind?: ReceiptKind;
  /** When it was sent or reported, in epoch milliseconds. */
  readonly at: number;
}

interface DeferredReceiptsOptions {
  /** Amends the ledger; false where the record does not exist, or not yet. */
  readonly amend: (receipt: DeferredReceipt) => Promise<boolean>;
  readonly clock: Clock;
}

interface Waiting {
  readonly receipt: DeferredReceipt;
  /** Monotonic milliseconds. */
  readonly dueAt: number;
  readonly triesLeft: number;
}

/** How long each receipt waits at least, and how often due ones are processed. */
const FIRST_WAIT_MS = 100;
const RETRY_MS = 1_000;
/** Includes the first one. */
const TRIES = 4;
const MAX_CONCURRENT = 8;
const MAX_WAITING = 10_000;

/** Queues receipts until the ledger has recorded them. */
export class DeferredReceipts {
  readonly #options: DeferredReceiptsOptions;
  /** By notification, client and socket; includes the receipts that are being processed. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: DeferredReceiptsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Queues a receipt; drops it where the queue is full. */
  add(
    { id, context, user }: LedgerName,
    client: string | undefined,
    { kind, connection }: Pick<DeferredReceipt, "kind" | "connection"> = {},
  ): void {
    const key = `${id}/${client ?? ""}/${kind ?? ""}/${connection ?? ""}`;
    if (this.#isClosed || this.#waiting.size >= MAX_WAITING || this.#waiting.has(key)) return;
    const { clock } = this.#options;
    this.#waiting.set(key, {
      receipt: {
        name: { id, context, user },
        ...(client !== undefined && { client }),
        ...(kind !== undefined && { kind }),
        ...(connection !== undefined && { connection }),
        at: clock.now(),
      },
      dueAt: clock.monotonic() + FIRST_WAIT_MS,
      triesLeft: TRIES,
    });
    this.#schedule();
  }

  /** Processes all waiting receipts once, whether due or not. */
  async flush(): Promise<void> {
    await this.#tryAll([...this.#waiting]);
  }

  /** Drops all waiting receipts and accepts no more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#isClosed || this.#waiting.size === 0) return;
    this.#timer ??= this.#options.clock.after(FIRST_WAIT_MS, () => void this.#tryDue());
  }

  async #tryDue(): Promise<void> {
    const now = this.#options.clock.monotonic();
    await this.#tryAll([...this.#waiting].filter(([, { dueAt }]) => dueAt <= now));
    this.#timer = undefined;
    this.#schedule();
  }

  async #tryAll(all: readonly (readonly [string, Waiting])[]): Promise<void> {
    const pending = all.values();
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, async () => {
      for (const [key, each] of pending) await this.#try(key, each);
    }));
  }

  async #try(key: string, each: Waiting): Promise<void> {
    // `flush` and the timer may run at once, and `close` may have dropped it.
    if (this.#waiting.get(key) !== each) return;
    const isDone = await this.#options.amend(each.receipt).catch(() => false);
    if (this.#waiting.get(key) !== each) return;
    const triesLeft = each.triesLeft - 1;
    if (isDone || triesLeft === 0) return void this.#waiting.delete(key);
    const dueAt = this.#options.clock.monotonic() + RETRY_MS;
    this.#waiting.set(key, { ...each, dueAt, triesLeft });
  }
}
