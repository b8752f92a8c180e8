/**
 * Releases claims that no node works on: those of dead nodes, and those of this node that it does
 * not know of because the answer of the claiming call was lost. Every node may release the claims
 * of a dead node; doing it twice does no harm.
 */

import type { Timer } from "../../core/clock.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import type { BufferCounters, Claimer } from "./_buffer_counters.ts";
import { RELEASE_ALL } from "./_end_scripts.ts";
import { bufferKeys } from "./keys.ts";
import { PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";

/** Interval of counts and checks for dead nodes. */
const EVERY_MS = 1_000;

interface ReclaimerOptions extends Pick<SystemDeps, "clock" | "random"> {
  readonly link: RedisLink;
  readonly nodes: Nodes;
  readonly counters: BufferCounters;
  /** Returns the ids in a partition that this node works on or is about to claim. */
  readonly known: (partition: number) => readonly string[];
  /** This node does not hold these claims any more. */
  readonly onLost: (ids: readonly string[]) => void;
  /** Notifications in this partition are due again. */
  readonly onReleased: (partition: number) => void;
  readonly onReclaimed?: ((count: number) => void) | undefined;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

/** Releases claims of dead nodes and unknown claims of this one. */
export class Reclaimer {
  readonly #options: ReclaimerOptions;
  /** Partitions where this node may have claims that it does not know of. */
  readonly #unsure = new Set<number>();
  /** The partition to verify next, whether or not it is unsure. */
  #next = 0;
  #timer: Timer | undefined;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#tickIn(this.#options.random() * EVERY_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Has the claims of this node in a partition verified before the next claim there. */
  markUnsure(partition: number): void {
    this.#unsure.add(partition);
  }

  /** Marks all partitions, because this node's lease was lost. */
  markAllUnsure(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) this.markUnsure(partition);
  }

  /**
   * Releases claims in an unsure partition that this node does not know of. No other call may claim
   * there meanwhile.
   */
  async verify(partition: number): Promise<void> {
    if (!this.#unsure.delete(partition)) return;
    const { nodes, known, onLost } = this.#options;
    try {
      const { lost } = await this.#release({ partition, node: nodes.id }, known(partition));
      if (lost.length > 0) onLost(lost);
    } catch (thrown) {
      this.#unsure.add(partition);
      throw thrown;
    }
  }

  /** Releases all claims of this node. */
  async releaseAll(): Promise<void> {
    const { nodes } = this.#options;
    await Promise.all(
      Array.from(
        { length: PARTITIONS },
        (_, partition) => this.#release({ partition, node: nodes.id }, []),
      ),
    );
  }

  /**
   * Counts the buffer, and releases the claims of dead nodes; resolves to their number.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async reclaim(): Promise<number> {
    const { counters, nodes, onReleased, onReclaimed } = this.#options;
    const isGone = ({ node }: Claimer) => node !== nodes.id && !nodes.isAlive(node);
    let gone = (await counters.count()).filter(isGone);
    if (gone.length === 0) return 0;
    // A node that this one has not heard of may have just started.
    await nodes.refresh();
    gone = gone.filter(isGone);
    const released = await Promise.all(gone.map((claimer) => this.#release(claimer, [])));
    for (const { partition } of gone) onReleased(partition);
    const count = released.reduce((sum, { count }) => sum + count, 0);
    if (count > 0) onReclaimed?.(count);
    return count;
  }

  async #release({ partition, node }: Claimer, known: readonly string[]) {
    const { link } = this.#options;
    const { items, claims, due, turns, claimers, segments, segmentClaimers } = bufferKeys(
      partition,
    );
    const keys = [items, claims, due, turns, claimers, segments, segmentClaimers];
    const reply = await link.run(RELEASE_ALL, keys, [node, Math.round(link.now()), ...known]);
    const [count, ...lost] = reply as readonly Reply[];
    return { count: Number(count), lost: lost.map(String) };
  }

  #tickIn(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => {
      this.#tickIn(EVERY_MS);
      void this.#tick();
    });
  }

  async #tick(): Promise<void> {
    const { link, onFault } = this.#options;
    if (!link.isUp) return;
    // Verifies each partition about once a minute, in case of errors that nothing reported.
    this.markUnsure(this.#next);
    this.#next = (this.#next + 1) % PARTITIONS;
    try {
      await this.reclaim();
    } catch (thrown) {
      onFault?.(thrown);
    }
  }
}
