/** Who is there: what a node knows of the others, and how long it may be silent. */

/** A view of all nodes, a moment old at most. */
export interface Nodes {
  /** This node. A process has another id after each start. */
  readonly id: string;
  /** Milliseconds without a sign of life after which a node counts as gone. */
  readonly leaseMs: number;
  /** When a node was last seen (epoch ms, by the servers' clock); `undefined`: never heard of it. */
  seenAt(node: string): number | undefined;
  /** Whether it counts as there. This node itself always does, until it is closed. */
  isAlive(node: string): boolean;
  /** All that count as there, this one included. */
  alive(): readonly string[];
  /** Reads the register anew, for where a view that is a moment old will not do. */
  refresh(): Promise<void>;
  /**
   * Calls back when this node itself was out of sight for longer than the lease (its process was
   * paused, or Redis was away): others may have taken over what it had.
   */
  onLeaseLost(listener: () => void): void;
}
