/** One buffer, its handler and its clock, as the rules of every buffer are tried out on them. */

import type { Buffer, BufferSettings, Handover } from "../../buffer/mod.ts";
import { createIdSource, type IdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** The defaults of the original. */
export const DEFAULTS: BufferSettings = {
  delayDuration: 1000,
  maxDelayDuration: 1000,
  timerFrequency: 500,
  numProcessorThreads: 10,
  maxProcessorTasks: 65536,
  maxNotifications: 1000,
  maxBytes: 10_000_000,
};

/** One buffer under test. `crash` leaves it as `kill -9` would; `reopen` starts anew on the same store. */
export interface BufferUnderTest {
  readonly clock: FakeClock;
  open(settings: () => BufferSettings): Buffer;
  /** The store refuses every write from now on, or takes them again. */
  breakStore(broken: boolean): void;
  /**
   * Resolves when nothing is on its way to or from a real server. Time then passes in small steps,
   * each of them followed by this.
   */
  idle?(): Promise<void>;
  /**
   * What a start finds in flight. By default that is what it returns; a buffer of several nodes
   * returns only what it took over from others.
   */
  foundAtStart?(buffer: Buffer): number;
  /** Hands over what it holds in memory even while it cannot write. @default {true} */
  readonly worksFromMemory?: boolean;
  dispose(): Promise<void>;
}

/** Milliseconds of the fake clock between two looks at what is on its way. */
const STEP_MS = 25;

/** See the file's comment. */
export class Bench {
  readonly handled: Notification[] = [];
  /** What the handler was told of each of {@link handled}. */
  readonly isRepeat: boolean[] = [];
  /** Called after a batch was noted and before it is settled. */
  onBatch: (batch: readonly Notification[], handover: Handover) => void = () => {};
  settings = DEFAULTS;
  buffer: Buffer;
  settleAtOnce = true;
  readonly ids: IdSource;

  constructor(readonly under: BufferUnderTest) {
    this.ids = createIdSource(under.clock);
    this.buffer = under.open(() => this.settings);
  }

  start(): Promise<number> {
    const { buffer } = this;
    return buffer.start((batch, handover) => {
      for (const notification of batch) {
        this.handled.push(notification);
        this.isRepeat.push(handover.isRepeat);
      }
      this.onBatch(batch, handover);
      for (const notification of batch) {
        if (this.settleAtOnce) buffer.settle(delivered(notification));
      }
    });
  }

  /** Leaves the old buffer as it is, like a process that was killed, and opens another one. */
  async crash(): Promise<number> {
    this.handled.length = this.isRepeat.length = 0;
    this.buffer = this.under.open(() => this.settings);
    const returned = await this.start();
    return this.under.foundAtStart?.(this.buffer) ?? returned;
  }

  make(fields: Partial<Notification> = {}): Notification {
    return {
      id: this.ids(),
      context: "1",
      user: "3",
      topic: "ox:mail:new",
      data: JSON.stringify({ folder: "default0/INBOX", id: "113" }),
      priority: "high",
      acceptedAt: this.under.clock.now(),
      ...fields,
    };
  }

  /** Lets time pass until nothing is on its way to the store either. */
  async pass(ms: number): Promise<void> {
    const { under } = this;
    const stepMs = under.idle ? STEP_MS : ms;
    await under.idle?.();
    let left = ms;
    do {
      await under.clock.advance(Math.min(left, stepMs));
      await under.idle?.();
    } while ((left -= stepMs) > 0);
    for (let yieldToEventLoop = 0; yieldToEventLoop < 20; yieldToEventLoop++) await settle();
  }
}

/** The record of a notification that one target took. */
export function delivered({ id, context, user, topic, acceptedAt }: Notification): LedgerRecord {
  return { id, context, user, topic, acceptedAt, state: "delivered", targets: [] };
}

/** Registers a rule. */
export type Rule = (rule: string, body: (bench: Bench) => Promise<void>) => void;

/** Rules about the buffers that `create` makes, one for each rule. */
export function rulesFor(name: string, create: () => Promise<BufferUnderTest>): Rule {
  return (rule, body) =>
    Deno.test(`${name}: ${rule}`, async () => {
      const under = await create();
      const bench = new Bench(under);
      try {
        await bench.start();
        await body(bench);
      } finally {
        await bench.buffer[Symbol.asyncDispose]();
        await under.dispose();
      }
    });
}
