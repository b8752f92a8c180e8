/**
 * Writes accepted notifications to Redis in batches of one partition: one script call for each
 * batch, and in a partition one call at a time.
 */

import type { BufferOptions } from "../../buffer/mod.ts";
import { Batcher } from "../../core/batcher.ts";
import type { Notification } from "../../core/notification.ts";
import type { EncodedNotification } from "./_encoding.ts";
import { bufferKeys, redisLedgerKey } from "./keys.ts";
import { ACCEPT, ACCEPT_SEGMENT } from "./_scripts.ts";
import { type ClaimedSegment, formatSegment, segmentOf } from "./segment.ts";
import { PARTITIONS } from "../keys.ts";
import type { RedisLink } from "../link.ts";

/** Limits of one call; further notifications wait for the next. */
const MAX_ITEMS = 256;
const MAX_BYTES = 256 * 1024;

interface BatchWriterOptions extends Pick<BufferOptions, "clock" | "onMerged" | "onCommit"> {
  readonly link: RedisLink;
  readonly node: string;
  readonly partition: number;
  /** Takes notifications that were accepted and claimed for this node. */
  readonly onClaimed: (notifications: readonly Notification[], segment: ClaimedSegment) => void;
  /** A call failed that may have claimed notifications, or still may. */
  readonly onUnsure: () => void;
}

interface IncomingItem extends EncodedNotification {
  /** Whether it is claimed for this node at once. */
  readonly claimed: boolean;
  /** Whether it may have been accepted before. It is not claimed then. */
  readonly isRepeat: boolean;
}

interface PartitionWritersOptions extends Omit<BatchWriterOptions, "partition" | "onUnsure"> {
  /** A call failed that may have claimed notifications of this partition. */
  readonly onUnsure: (partition: number) => void;
}

/** Writes accepted notifications to Redis. */
export class PartitionWriters {
  readonly #writers: readonly BatchWriter[];

  constructor(options: PartitionWritersOptions) {
    this.#writers = Array.from(
      { length: PARTITIONS },
      (_, partition) =>
        new BatchWriter({ ...options, partition, onUnsure: () => options.onUnsure(partition) }),
    );
  }

  /** Ids in a partition that a call under way claims for this node. */
  claimingIn(partition: number): readonly string[] {
    return this.#writers[partition]!.claiming;
  }

  /**
   * Writes notifications. Where it rejects, some of them may have been written; no write of them is
   * under way any more.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async write(
    encoded: readonly EncodedNotification[],
    how: { readonly claimed: boolean; readonly isRepeat: boolean },
  ): Promise<void> {
    const writes = await Promise.allSettled(
      encoded.map((one) => this.#writers[one.partition]!.add({ ...one, ...how })),
    );
    for (const write of writes) if (write.status === "rejected") throw write.reason;
  }

  /** Resolves when no write is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.idle()));
  }
}

class BatchWriter {
  readonly #options: BatchWriterOptions;
  readonly #batcher: Batcher<IncomingItem>;
  #inFlight: readonly IncomingItem[] = [];

  constructor(options: BatchWriterOptions) {
    this.#options = options;
    this.#batcher = new Batcher({ batchSize, run: (batch) => this.#write(batch) });
  }

  /** Resolves when the notification is in Redis. */
  add(item: IncomingItem): Promise<void> {
    return this.#batcher.add(item);
  }

  /** Ids that the call under way claims for this node. */
  get claiming(): readonly string[] {
    return this.#inFlight.filter(({ claimed }) => claimed).map(({ notification: { id } }) => id);
  }

  /** Resolves when no write is under way. */
  idle(): Promise<void> {
    return this.#batcher.drain();
  }

  async #write(batch: readonly IncomingItem[]): Promise<void> {
    this.#inFlight = batch;
    try {
      await this.#send(batch);
    } catch (thrown) {
      if (batch[0]!.claimed) this.#options.onUnsure();
      throw thrown;
    } finally {
      this.#inFlight = [];
    }
  }

  async #send(batch: readonly IncomingItem[]): Promise<void> {
    const { clock, onCommit } = this.#options;
    const started = clock.monotonic();
    await (batch[0]!.claimed ? this.#acceptClaimed(batch) : this.#accept(batch));
    onCommit?.(batch.length, (clock.monotonic() - started) / 1000);
  }

  async #accept(batch: readonly IncomingItem[]): Promise<void> {
    const { link, partition, onMerged } = this.#options;
    const { items, open, older, due, turns, segments } = bufferKeys(partition);
    const args: string[] = [];
    for (const { notification: { id }, due: at, latest, body } of batch) {
      args.push(latest === at ? id + at : id + at + latest, body);
    }
    const reply = await link.run(
      ACCEPT,
      [items, open, older, due, turns, segments, ...this.#ledgerKeys(batch)],
      args,
    );
    const merged = Array.isArray(reply) ? reply[0] : reply;
    for (let count = Number(merged); count > 0; count--) onMerged?.();
  }

  async #acceptClaimed(batch: readonly IncomingItem[]): Promise<void> {
    const { link, partition, node, onClaimed } = this.#options;
    const { segments, segmentClaimers } = bufferKeys(partition);
    const segment = segmentOf(batch);
    const args = [node, batch[0]!.notification.id, formatSegment(batch), segment.name];
    await link.run(ACCEPT_SEGMENT, [segments, segmentClaimers], args);
    onClaimed(batch.map(({ notification }) => notification), segment);
  }

  #ledgerKeys([first]: readonly IncomingItem[]): readonly string[] {
    return first!.isRepeat ? [redisLedgerKey(this.#options.partition, first!.notification.id)] : [];
  }
}

/** Returns how many of the waiting notifications are of the same kind and fit into one call. */
function batchSize(waiting: readonly IncomingItem[]): number {
  const first = waiting[0]!;
  let bytes = 0;
  const end = waiting.findIndex((item, index) => {
    bytes += item.body.length;
    return index === MAX_ITEMS || (index > 0 && bytes > MAX_BYTES) || !canShareCall(item, first);
  });
  return end === -1 ? waiting.length : end;
}

/**
 * Whether two notifications can go into one call. Repeats must also have their records in the same
 * ledger key.
 */
function canShareCall(one: IncomingItem, other: IncomingItem): boolean {
  return one.claimed === other.claimed && one.isRepeat === other.isRepeat &&
    (!one.isRepeat ||
      redisLedgerKey(0, one.notification.id) === redisLedgerKey(0, other.notification.id));
}
