/** One buffer with its handler and its clock, for the contract of every buffer. */

import type { Buffer, BufferSettings, Handover } from "../../buffer/mod.ts";
import { createIdSource, type IdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** The default settings of the original. */
export const DEFAULTS: BufferSettings = {
  delayDuration: 1000,
  maxDelayDuration: 1000,
  timerFrequency: 500,
  numProcessorThreads: 10,
  maxProcessorTasks: 65536,
  maxNotifications: 1000,
  maxBytes: 10_000_000,
};

/** A factory of buffers on one store. */
export interface BufferUnderTest {
  readonly clock: FakeClock;
  /** Opens a buffer; the one before counts as killed. */
  open(settings: () => BufferSettings): Buffer;
  /** Makes every write to the store fail from now on, or succeed again. */
  breakStore(broken: boolean): void;
  /**
   * Resolves when no call to a real server is under way. With it, time passes in small steps, each
   * followed by this.
   */
  idle?(): Promise<void>;
  /**
   * Returns what a start finds in flight, where that is not what `start` returns: the buffer of
   * several nodes returns only what it took over from others.
   */
  foundAtStart?(buffer: Buffer): number;
  /** Hands over what it has in memory even while it cannot write. @default {true} */
  readonly worksFromMemory?: boolean;
  dispose(): Promise<void>;
}

/** Milliseconds of the fake clock per step. */
const STEP_MS = 25;

/** A buffer under test, and what its handler received. */
class Bench {
  readonly handled: Notification[] = [];
  /** `isRepeat` of the hand-over of each of {@link handled}. */
  readonly isRepeat: boolean[] = [];
  /** Called after a batch was recorded and before it is settled. */
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

  /** Leaves the old buffer as a killed process would, and opens another one. */
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

  /** Lets time pass, and waits for calls to the store. */
  async pass(ms: number): Promise<void> {
    const { under } = this;
    const stepMs = under.idle ? STEP_MS : ms;
    await under.idle?.();
    let left = ms;
    do {
      await under.clock.advance(Math.min(left, stepMs));
      await under.idle?.();
    } while ((left -= stepMs) > 0);
    for (let turn = 0; turn < 20; turn++) await settle();
  }
}

/** Returns the record of a delivered notification. */
export function delivered({ id, context, user, topic, acceptedAt }: Notification): LedgerRecord {
  return { id, context, user, topic, acceptedAt, state: "delivered", targets: [] };
}

/** Registers a rule. */
export type Rule = (rule: string, body: (bench: Bench) => Promise<void>) => void;

/** Returns a function that registers rules; each runs on a buffer of its own. */
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
