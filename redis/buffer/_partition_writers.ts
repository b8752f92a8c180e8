/** The batch writers of all partitions: passes each notification to the writer of its partition. */

import { PARTITIONS } from "../keys.ts";
import { BatchWriter, type BatchWriterOptions } from "./_batch_writer.ts";
import type { EncodedNotification } from "./_encoding.ts";

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
