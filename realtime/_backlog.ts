/**
 * Caps on what peers that do not read may keep waiting. Deno's WebSockets take everything they
 * are given, so a peer's backlog is looked at before each send; above the cap it is dropped, and
 * its client resumes once it reads again.
 */

/** Something that can fall behind. */
export interface Laggard {
  /** Bytes waiting for the peer right now. */
  readonly backlogBytes: number;
  /** Gives the peer up. */
  drop(): void;
}

/** Limits in bytes. */
export interface BacklogLimits {
  readonly perSocket: number;
  readonly total: number;
}

/** Watches every peer that has not taken all it was sent. */
export class Backlog {
  limits: BacklogLimits;
  readonly #waiting = new Map<Laggard, number>();
  #total = 0;

  constructor(limits: BacklogLimits) {
    this.limits = limits;
  }

  /** Whether `bytes` more may be handed to a peer; where not, it has been dropped. */
  admit(peer: Laggard, bytes: number): boolean {
    const waiting = peer.backlogBytes;
    if (waiting === 0) {
      if (this.#waiting.size > 0) this.forget(peer);
      return true;
    }
    if (waiting + bytes > this.limits.perSocket) {
      peer.drop();
      return false;
    }
    this.#note(peer, waiting + bytes);
    return this.#total <= this.limits.total || this.#makeRoom(peer);
  }

  /** The peer is gone, with everything that waited for it. */
  forget(peer: Laggard): void {
    this.#total -= this.#waiting.get(peer) ?? 0;
    this.#waiting.delete(peer);
  }

  /** Bytes that wait now, over all peers. */
  measure(): number {
    for (const peer of this.#waiting.keys()) {
      const bytes = peer.backlogBytes;
      if (bytes === 0) this.forget(peer);
      else this.#note(peer, bytes);
    }
    return this.#total;
  }

  #note(peer: Laggard, bytes: number): void {
    this.#total += bytes - (this.#waiting.get(peer) ?? 0);
    this.#waiting.set(peer, bytes);
  }

  /** Drops the furthest behind until the rest fits; false where that took `sender` too. */
  #makeRoom(sender: Laggard): boolean {
    let spared = true;
    while (this.measure() > this.limits.total) {
      const [worst] = [...this.#waiting].reduce((a, b) => b[1] > a[1] ? b : a);
      this.forget(worst);
      worst.drop();
      if (worst === sender) spared = false;
    }
    return spared;
  }
}
