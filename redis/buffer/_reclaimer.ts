/**
 * Claims that nobody works on find their way back: those of nodes that are gone, and those of this
 * node that it does not know of, because the answer that told of them was lost. Anybody may give
 * back a dead node's claims, and doing it twice does no harm.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import type { BufferCounters, Claimer } from "./_buffer_counters.ts";
import { GIVE_BACK } from "./_end_scripts.ts";
import { bufferKeys } from "./_keys.ts";
import { PARTITIONS } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";

/** How often is counted and looked for dead nodes. */
const EVERY_MS = 1_000;

/** What {@link Reclaimer} needs. */
interface ReclaimerOptions {
  readonly link: RedisLink;
  readonly nodes: Nodes;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly counters: BufferCounters;
  /** Ids in a partition that this node works on, or is about to claim. */
  readonly known: (partition: number) => readonly string[];
  /** These are not this node's any more. */
  readonly onLost: (ids: readonly string[]) => void;
  /** In this partition something is due again. */
  readonly onReleased: (partition: number) => void;
  readonly onReclaimed?: ((count: number) => void) | undefined;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

/** See the file's comment. */
export class Reclaimer {
  readonly #options: ReclaimerOptions;
  /** Partitions where this node may have claims that it does not know of. */
  readonly #unsure = new Set<number>();
  /** The partition that is gone through next, sure or not. */
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

  /** What this node has claimed there must be compared with what it knows. */
  doubt(partition: number): void {
    this.#unsure.add(partition);
  }

  /** All partitions: this node was out of sight. */
  doubtAll(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) this.doubt(partition);
  }

  /** Compares, where there is doubt. Nothing else may be claimed there meanwhile. */
  async makeSure(partition: number): Promise<void> {
    if (!this.#unsure.delete(partition)) return;
    const { nodes, known, onLost } = this.#options;
    try {
      const { lost } = await this.#giveBack({ partition, node: nodes.id }, known(partition));
      if (lost.length > 0) onLost(lost);
    } catch (thrown) {
      this.#unsure.add(partition);
      throw thrown;
    }
  }

  /** Gives back everything that this node has claimed. */
  async handOver(): Promise<void> {
    const { nodes } = this.#options;
    await Promise.all(
      Array.from(
        { length: PARTITIONS },
        (_, partition) => this.#giveBack({ partition, node: nodes.id }, []),
      ),
    );
  }

  /**
   * Counts, and gives back the claims of nodes that are gone; resolves to how many that were.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async reclaim(): Promise<number> {
    const { counters, nodes, onReleased, onReclaimed } = this.#options;
    const isGone = ({ node }: Claimer) => node !== nodes.id && !nodes.isAlive(node);
    let gone = (await counters.count()).filter(isGone);
    if (gone.length === 0) return 0;
    // It may be so new that this node has not heard of it.
    await nodes.refresh();
    gone = gone.filter(isGone);
    const given = await Promise.all(gone.map((claimer) => this.#giveBack(claimer, [])));
    for (const { partition } of gone) onReleased(partition);
    const count = given.reduce((sum, { count }) => sum + count, 0);
    if (count > 0) onReclaimed?.(count);
    return count;
  }

  async #giveBack({ partition, node }: Claimer, known: readonly string[]) {
    const { link } = this.#options;
    const { items, claims, due, turns, claimers } = bufferKeys(partition);
    const keys = [items, claims, due, turns, claimers];
    const reply = await link.run(GIVE_BACK, keys, [node, Math.round(link.now()), ...known]);
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
    // Whatever else may have gone wrong comes to light within a minute or so.
    this.doubt(this.#next);
    this.#next = (this.#next + 1) % PARTITIONS;
    try {
      await this.reclaim();
    } catch (thrown) {
      onFault?.(thrown);
    }
  }
}
