/** Several processes over one store: each with its buffer, its clock and its source of ids. */

import { type BufferSettings, type Handover, LogBuffer } from "../../buffer/mod.ts";
import { createIdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore, openKvStore } from "../../store/mod.ts";
import { DEFAULTS, delivered } from "../contract/_buffer_bench.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { processClock } from "../support/process_clock.ts";
import { sharedView } from "../support/shared_store.ts";

/** Milliseconds without a renewal after which isolates take over. */
export const LEASE_MS = 15_000;
const STEP_MS = 250;

/** Settings of an {@link Isolate}. */
interface IsolateOptions {
  readonly skewMs?: number;
  readonly settings?: Partial<BufferSettings>;
  /** The test settles what is handed over. */
  readonly holds?: boolean;
}

/** One process. */
export class Isolate {
  readonly handled: Notification[] = [];
  readonly handovers: Handover[] = [];
  readonly buffer: LogBuffer;
  readonly faults: unknown[] = [];
  readonly store;
  readonly clock;
  readonly #ids;
  /** Notifications taken over from others, and lost to others. */
  taken = 0;
  lost = 0;

  constructor(store: Store, clock: FakeClock, options: IsolateOptions = {}) {
    this.clock = processClock(clock, options);
    this.store = sharedView(store);
    this.#ids = createIdSource(this.clock);
    this.buffer = new LogBuffer(this.store, {
      clock: this.clock,
      settings: () => ({ ...DEFAULTS, ...options.settings }),
      retentionMs: () => 86_400_000,
      yieldToEventLoop: () => settle(1),
      leaseMs: LEASE_MS,
      onFailover: (count) => this.taken += count,
      onLeaseLost: (count) => this.lost += count,
      onFault: (thrown) => this.faults.push(thrown),
    });
    this.holds = options.holds ?? false;
  }

  /** The test settles what is handed over. */
  holds: boolean;
  onHandled: (batch: readonly Notification[]) => void = () => {};

  async start(): Promise<number> {
    return await this.buffer.start((batch, handover) => {
      for (const notification of batch) {
        this.handled.push(notification);
        this.handovers.push(handover);
        if (!this.holds) this.buffer.settle(delivered(notification));
      }
      this.onHandled(batch);
    });
  }

  /** Accepts so many notifications, none similar to another. */
  async put(count: number, fields: Partial<Notification> = {}): Promise<readonly string[]> {
    const given = Array.from({ length: count }, (): Notification => {
      const id = this.#ids();
      return {
        ...{
          id,
          context: "1",
          user: "3",
          topic: "a",
          data: JSON.stringify({ id }),
          priority: "high",
        },
        acceptedAt: this.clock.now(),
        ...fields,
      };
    });
    await this.buffer.put(given);
    return given.map(({ id }) => id);
  }

  async stop(): Promise<void> {
    await this.buffer.stop();
    await this.buffer.close();
  }
}

/** Isolates that share one store and one clock. */
export class Isolates {
  readonly #all: Isolate[] = [];

  constructor(readonly store: Store, readonly clock: FakeClock) {}

  /** Adds an isolate and starts it. */
  async add(options: IsolateOptions = {}): Promise<Isolate> {
    const isolate = new Isolate(this.store, this.clock, options);
    this.#all.push(isolate);
    await isolate.start();
    return isolate;
  }

  /** Lets time pass, in steps that give a real store the time to answer. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.clock.advance(Math.min(STEP_MS, left));
      await this.untilQuiet();
    }
  }

  /** Resolves when no operation of the store is under way. */
  async untilQuiet(): Promise<void> {
    for (let quiet = 0; quiet < 5; quiet++) {
      await settle(1);
      if (this.#all.some(({ store }) => store.pending > 0)) quiet = 0;
    }
  }

  /** Returns the ids that were handed over by all isolates, sorted. */
  handled(): readonly string[] {
    return this.#all.flatMap(({ handled }) => handled.map(({ id }) => id)).toSorted();
  }

  async end(): Promise<void> {
    for (const { clock } of this.#all) clock.kill();
    await this.store[Symbol.asyncDispose]();
  }
}

/** Registers a test for each kind of store. */
export function test(rule: string, body: (all: Isolates) => Promise<void>): void {
  const stores = {
    memory: (clock: FakeClock) => Promise.resolve(new MemoryStore({ clock })),
    "Deno KV": (clock: FakeClock) => openKvStore(":memory:", { clock, random: Math.random }),
  };
  for (const [name, open] of Object.entries(stores)) {
    Deno.test(`isolates over ${name}: ${rule}`, async () => {
      const clock = new FakeClock();
      const all = new Isolates(await open(clock), clock);
      try {
        await body(all);
      } finally {
        await all.end();
      }
    });
  }
}

/** Returns the state of a notification as an isolate finds it. */
export async function stateOf(isolate: Isolate, id: string): Promise<string> {
  const found = await isolate.buffer.find(id);
  if (!found) return "unknown";
  return "state" in found ? (found as LedgerRecord).state : "in flight";
}
