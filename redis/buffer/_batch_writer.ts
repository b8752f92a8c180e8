/**
 * The way in to one partition: while one call is under way, everything that arrives gathers, and
 * goes together in the next, so that the busier it is, the less a notification costs.
 */

import type { Clock } from "../../core/clock.ts";
import type { Notification } from "../../core/notification.ts";
import type { EncodedNotification } from "./_encoding.ts";
import { type BufferKeys, redisLedgerKey } from "./_keys.ts";
import { ACCEPT, ACCEPT_CLAIMED } from "./_scripts.ts";
import type { RedisLink, Reply } from "../link.ts";

/** In one call at most; what comes later waits for the next. */
const MAX_ITEMS = 256;
const MAX_BYTES = 256 * 1024;

/** What an {@link BatchWriter} needs. */
interface BatchWriterOptions {
  readonly link: RedisLink;
  readonly clock: Pick<Clock, "monotonic">;
  readonly node: string;
  readonly partition: number;
  readonly keys: BufferKeys;
  /** These were accepted, and claimed for this node. */
  readonly onClaimed: (notifications: readonly Notification[]) => void;
  /** A call failed that may have claimed something, or may yet. */
  readonly onUnsure: () => void;
  readonly onMerged?: (() => void) | undefined;
  readonly onCommit?: ((changes: number, seconds: number) => void) | undefined;
}

/** A notification on its way in. */
export interface IncomingNotification extends EncodedNotification {
  /** Claimed at once for this node. */
  readonly claimed: boolean;
  /** May have been accepted before. */
  readonly isRepeat: boolean;
  /** Called once: it is in Redis, or what was thrown instead. */
  readonly ended: (thrown?: unknown) => void;
}

/** See the file's comment. */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #waiting: IncomingNotification[] = [];
  #underWay: readonly IncomingNotification[] = [];
  #working: Promise<void> | undefined;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  add(arrival: IncomingNotification): void {
    this.#waiting.push(arrival);
    this.#working ??= this.#work();
  }

  /** Ids that the call under way claims for this node. */
  get claiming(): readonly string[] {
    return this.#underWay.filter(({ claimed }) => claimed).map(({ notification: { id } }) => id);
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  async #work(): Promise<void> {
    await null; // what is given in this turn of the event loop goes into the same call
    while (this.#waiting.length > 0) {
      const batch = this.#underWay = this.#next();
      let thrown: unknown;
      try {
        await this.#send(batch);
      } catch (caught) {
        thrown = caught;
        if (batch[0]!.claimed) this.#options.onUnsure();
      }
      this.#underWay = [];
      for (const arrival of batch) arrival.ended(thrown);
    }
    this.#working = undefined;
  }

  /** The next ones of a kind, as many as go into one call. */
  #next(): readonly IncomingNotification[] {
    const first = this.#waiting[0]!;
    let bytes = 0;
    const end = this.#waiting.findIndex((arrival, index) => {
      bytes += arrival.body.length;
      return index === MAX_ITEMS || (index > 0 && bytes > MAX_BYTES) || !isAlike(arrival, first);
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #send(batch: readonly IncomingNotification[]): Promise<void> {
    const { clock, onCommit } = this.#options;
    const started = clock.monotonic();
    await (batch[0]!.claimed ? this.#acceptClaimed(batch) : this.#accept(batch));
    onCommit?.(batch.length, (clock.monotonic() - started) / 1000);
  }

  async #accept(batch: readonly IncomingNotification[]): Promise<void> {
    const { link, keys, onMerged } = this.#options;
    const args: string[] = [];
    for (const { notification: { id }, due, latest, body } of batch) {
      args.push(latest === due ? id + due : id + due + latest, body);
    }
    const reply = await link.run(
      ACCEPT,
      [keys.items, keys.open, keys.older, keys.due, keys.turns, ...this.#ledger(batch)],
      args,
    );
    const merged = Array.isArray(reply) ? reply[0] : reply;
    for (let count = Number(merged); count > 0; count--) onMerged?.();
  }

  async #acceptClaimed(batch: readonly IncomingNotification[]): Promise<void> {
    const { link, keys, node, onClaimed } = this.#options;
    const args = [node];
    for (const { notification: { id }, body } of batch) args.push(id, body);
    const skipped = await link.run(
      ACCEPT_CLAIMED,
      [keys.items, keys.claims, keys.claimers, ...this.#ledger(batch)],
      args,
    ) as readonly Reply[];
    const claimed = batch.map(({ notification }) => notification);
    onClaimed(skipped.length === 0 ? claimed : claimed.filter(({ id }) => !skipped.includes(id)));
  }

  #ledger([first]: readonly IncomingNotification[]): readonly string[] {
    return first!.isRepeat ? [redisLedgerKey(this.#options.partition, first!.notification.id)] : [];
  }
}

/** Whether two can go into one call; those that may have come before, if their records would be together. */
function isAlike(one: IncomingNotification, other: IncomingNotification): boolean {
  return one.claimed === other.claimed && one.isRepeat === other.isRepeat &&
    (!one.isRepeat ||
      redisLedgerKey(0, one.notification.id) === redisLedgerKey(0, other.notification.id));
}
