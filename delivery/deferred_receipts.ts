/**
 * What clients got when they came back, until the ledger says so. Each waits a moment first: what a
 * socket was handed may not have left the process yet, and the record may be written only now. It
 * is tried again a few times where there is no such record, or the store is away. It is kept in
 * memory only, and bounded: what is dropped here was delivered all the same, and its record goes
 * on to say `kept`.
 */

import type { LedgerName } from "../buffer/mod.ts";
import type { ReceiptKind } from "../core/ledger.ts";
import type { Clock, Timer } from "../core/clock.ts";

/** A client that was told what had been kept for it. */
export interface DeferredReceipt {
  readonly name: LedgerName;
  /** Absent where it was reported with a receipt token. */
  readonly client?: string;
  /** What a client reported; absent where it was sent what had been kept for it. */
  readonly kind?: ReceiptKind;
  /** When it was told: epoch milliseconds. */
  readonly at: number;
}

/** What late arrivals need. */
export interface DeferredReceiptsOptions {
  /** Has the ledger say so; false where it has no such record, or none yet. */
  readonly amend: (arrival: DeferredReceipt) => Promise<boolean>;
  readonly clock: Clock;
}

interface Waiting {
  readonly arrival: DeferredReceipt;
  /** Monotonic milliseconds. */
  readonly dueAt: number;
  readonly triesLeft: number;
}

/** The least that each waits, and how often it is looked for what is due. */
const LINGER_MS = 100;
const RETRY_MS = 1_000;
/** The first one included. */
const TRIES = 4;
const AMENDS_AT_ONCE = 8;
const MAX_WAITING = 10_000;

/** See the file's comment. */
export class DeferredReceipts {
  readonly #options: DeferredReceiptsOptions;
  /** By notification and client. Those that are being tried are among them. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: DeferredReceiptsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** A client was told. Where too many wait, the ledger does not hear of it. */
  add({ id, context, user }: LedgerName, client: string | undefined, kind?: ReceiptKind): void {
    const key = `${id}/${client ?? ""}/${kind ?? ""}`;
    if (this.#isClosed || this.#waiting.size >= MAX_WAITING || this.#waiting.has(key)) return;
    const { clock } = this.#options;
    this.#waiting.set(key, {
      arrival: {
        name: { id, context, user },
        ...(client !== undefined && { client }),
        ...(kind !== undefined && { kind }),
        at: clock.now(),
      },
      dueAt: clock.monotonic() + LINGER_MS,
      triesLeft: TRIES,
    });
    this.#wake();
  }

  /** Tries everything that waits once more, due or not. */
  async flush(): Promise<void> {
    await this.#tryAll([...this.#waiting]);
  }

  /** Forgets what waits, and takes no more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #wake(): void {
    if (this.#isClosed || this.#waiting.size === 0) return;
    this.#timer ??= this.#options.clock.after(LINGER_MS, () => void this.#round());
  }

  async #round(): Promise<void> {
    const now = this.#options.clock.monotonic();
    await this.#tryAll([...this.#waiting].filter(([, { dueAt }]) => dueAt <= now));
    this.#timer = undefined;
    this.#wake();
  }

  async #tryAll(all: readonly (readonly [string, Waiting])[]): Promise<void> {
    const turns = all.values();
    await Promise.all(Array.from({ length: AMENDS_AT_ONCE }, async () => {
      for (const [key, each] of turns) await this.#try(key, each);
    }));
  }

  async #try(key: string, each: Waiting): Promise<void> {
    // Somebody else was quicker, or it is over.
    if (this.#waiting.get(key) !== each) return;
    const isDone = await this.#options.amend(each.arrival).catch(() => false);
    if (this.#waiting.get(key) !== each) return;
    const triesLeft = each.triesLeft - 1;
    if (isDone || triesLeft === 0) return void this.#waiting.delete(key);
    const dueAt = this.#options.clock.monotonic() + RETRY_MS;
    this.#waiting.set(key, { ...each, dueAt, triesLeft });
  }
}
