/**
 * Caps on what peers that do not read may keep waiting. Deno's WebSockets take everything they
 * are given, so a peer's backlog is looked at before each send. Events wait in the log where there
 * is no room for them; what cannot wait may take the other half of a peer's cap, and beyond it the
 * peer is dropped. A dropped WebSocket cannot be torn down while its peer is silent: what it still
 * holds goes on counting, and while that is too much nobody is let in.
 */

/** Something that can fall behind. */
export interface BacklogPeer {
  /** Bytes waiting for the peer right now. */
  readonly backlogBytes: number;
  /** Gives the peer up. */
  drop(): void;
  /** Calls `run` once nothing is held for the peer any more. */
  whenGone(run: () => void): void;
}

/** Limits in bytes. */
export interface BacklogLimits {
  readonly perSocket: number;
  readonly total: number;
}

/** Watches every peer that has not taken all it was sent. */
export class Backlog {
  limits: BacklogLimits;
  readonly #waiting = new Map<BacklogPeer, number>();
  #total = 0;
  #abandoned = 0;

  constructor(limits: BacklogLimits) {
    this.limits = limits;
  }

  /** Whether peers that were given up hold too much for new ones to be let in. */
  get isFull(): boolean {
    return this.#abandoned > this.limits.total;
  }

  /** Whether `bytes` more may be handed to a peer; where not, it has been dropped. */
  admit(peer: BacklogPeer, bytes: number): boolean {
    const waiting = peer.backlogBytes;
    if (waiting === 0) {
      if (this.#waiting.size > 0) this.forget(peer);
      return true;
    }
    const kept = waiting + bytes <= this.limits.perSocket;
    this.#note(peer, kept ? waiting + bytes : waiting);
    if (!kept) {
      peer.drop();
      return false;
    }
    return this.#total <= this.limits.total || this.#makeRoom(peer);
  }

  /**
   * Whether so many bytes that can wait may be handed to a peer now: half of its cap is kept for
   * what cannot. A peer that has taken all it was given always has room.
   */
  offer(peer: BacklogPeer, bytes: number): boolean {
    const waiting = peer.backlogBytes;
    if (waiting === 0) {
      if (this.#waiting.size > 0) this.forget(peer);
      return true;
    }
    const fits = waiting + bytes <= this.limits.perSocket / 2 &&
      this.#total + bytes <= this.limits.total;
    this.#note(peer, fits ? waiting + bytes : waiting);
    return fits;
  }

  /** Nothing waits for the peer. */
  forget(peer: BacklogPeer): void {
    this.#total -= this.#waiting.get(peer) ?? 0;
    this.#waiting.delete(peer);
  }

  /** The peer's session has ended; what waits for it may take its time to go. */
  abandon(peer: BacklogPeer): void {
    const bytes = this.#waiting.get(peer) ?? 0;
    this.forget(peer);
    if (bytes === 0) return;
    this.#abandoned += bytes;
    peer.whenGone(() => void (this.#abandoned -= bytes));
  }

  /** Bytes that wait now, over all peers. */
  measure(): number {
    for (const peer of this.#waiting.keys()) {
      const bytes = peer.backlogBytes;
      if (bytes === 0) this.forget(peer);
      else this.#note(peer, bytes);
    }
    return this.#total + this.#abandoned;
  }

  #note(peer: BacklogPeer, bytes: number): void {
    this.#total += bytes - (this.#waiting.get(peer) ?? 0);
    this.#waiting.set(peer, bytes);
  }

  /** Drops the furthest behind until the rest fits; false where that took `sender` too. */
  #makeRoom(sender: BacklogPeer): boolean {
    let spared = true;
    this.measure();
    while (this.#total > this.limits.total) {
      const [worst] = [...this.#waiting].reduce((a, b) => b[1] > a[1] ? b : a);
      worst.drop();
      this.forget(worst);
      if (worst === sender) spared = false;
    }
    return spared;
  }
}
