/**
 * Limits how many bytes may wait for peers that do not read. Deno's WebSockets accept everything,
 * so the backlog of a peer is checked before each send. Events may use half of a peer's limit;
 * where that is full they wait in the log. Other frames may use the rest, and beyond it the peer is
 * dropped. Deno cannot tear down a dropped WebSocket while its peer is silent, so its bytes stay
 * counted, and while there are too many of them no handshake is admitted.
 */

/** A peer that may be slow to read. */
export interface BacklogPeer {
  /** Bytes that wait for the peer now. */
  readonly backlogBytes: number;
  /** Drops the peer. */
  drop(): void;
  /** Calls `run` once no bytes are held for the peer any more. */
  whenGone(run: () => void): void;
}

/** Limits of the bytes that may wait for peers. */
export interface BacklogLimits {
  /** For one peer. Events use half of it, and stay in the log beyond. */
  readonly maxBacklogBytes: number;
  /** For all peers. */
  readonly maxTotalBacklogBytes: number;
}

/** Tracks every peer that has not taken everything it was sent. */
export class Backlog {
  limits: BacklogLimits;
  readonly #waiting = new Map<BacklogPeer, number>();
  #total = 0;
  #abandoned = 0;

  constructor(limits: BacklogLimits) {
    this.limits = limits;
  }

  /** Whether dropped peers hold too many bytes for new sockets to be admitted. */
  get isFull(): boolean {
    return this.#abandoned > this.limits.maxTotalBacklogBytes;
  }

  /** Whether `bytes` more may be sent to a peer. If not, the peer has been dropped. */
  admit(peer: BacklogPeer, bytes: number): boolean {
    const waiting = peer.backlogBytes;
    if (waiting === 0) {
      if (this.#waiting.size > 0) this.forget(peer);
      return true;
    }
    const fits = waiting + bytes <= this.limits.maxBacklogBytes;
    this.#set(peer, fits ? waiting + bytes : waiting);
    if (!fits) {
      peer.drop();
      return false;
    }
    return this.#total <= this.limits.maxTotalBacklogBytes || this.#makeRoom(peer);
  }

  /**
   * Whether an event of so many bytes may be sent to a peer now. Half of the peer's limit is kept
   * for other frames. A peer that has taken everything always has room.
   */
  offer(peer: BacklogPeer, bytes: number): boolean {
    const waiting = peer.backlogBytes;
    if (waiting === 0) {
      if (this.#waiting.size > 0) this.forget(peer);
      return true;
    }
    const fits = waiting + bytes <= this.limits.maxBacklogBytes / 2 &&
      this.#total + bytes <= this.limits.maxTotalBacklogBytes;
    this.#set(peer, fits ? waiting + bytes : waiting);
    return fits;
  }

  /** Removes a peer for which nothing waits. */
  forget(peer: BacklogPeer): void {
    this.#total -= this.#waiting.get(peer) ?? 0;
    this.#waiting.delete(peer);
  }

  /** The peer's session has ended; bytes that wait for it are counted apart until they are gone. */
  abandon(peer: BacklogPeer): void {
    const bytes = this.#waiting.get(peer) ?? 0;
    this.forget(peer);
    if (bytes === 0) return;
    this.#abandoned += bytes;
    peer.whenGone(() => void (this.#abandoned -= bytes));
  }

  /** Bytes that wait now for all peers. */
  measure(): number {
    for (const peer of this.#waiting.keys()) {
      const bytes = peer.backlogBytes;
      if (bytes === 0) this.forget(peer);
      else this.#set(peer, bytes);
    }
    return this.#total + this.#abandoned;
  }

  #set(peer: BacklogPeer, bytes: number): void {
    this.#total += bytes - (this.#waiting.get(peer) ?? 0);
    this.#waiting.set(peer, bytes);
  }

  /**
   * Drops the peers with the largest backlogs until the rest fits; false where `sender` is among
   * them.
   */
  #makeRoom(sender: BacklogPeer): boolean {
    let isSenderKept = true;
    this.measure();
    while (this.#total > this.limits.maxTotalBacklogBytes) {
      const [largest] = [...this.#waiting].reduce((a, b) => b[1] > a[1] ? b : a);
      largest.drop();
      this.forget(largest);
      if (largest === sender) isSenderKept = false;
    }
    return isSenderKept;
  }
}
