/**
 * Ends the sockets of sessions that are revoked or expire. It finds the connections and decides
 * when; what ending a connection means is a callback.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { SocketConnection, SocketConnections } from "./_socket_connections.ts";

interface SessionExpiryOptions {
  readonly clock: Clock;
  readonly connections: SocketConnections;
  readonly endSession: (connection: SocketConnection) => void;
}

/** Shortest time between two sweeps for expired sessions. */
const SWEEP_PAUSE_MS = 1_000;
/** No client takes longer than this from the check of its session to its CONNECT packet. */
const ADMITTED_WITHIN_MS = 120_000;

/** Watches the sessions of all connections. */
export class SessionExpiry {
  readonly #options: SessionExpiryOptions;
  /** Revocation times of recently revoked sessions, in monotonic milliseconds. */
  readonly #revoked = new Map<string, number>();
  #timer: Timer | undefined;
  /** Epoch milliseconds at which the timer fires. */
  #timerAt = Infinity;

  constructor(options: SessionExpiryOptions) {
    this.#options = options;
  }

  /** Whether a session was revoked while one of its sockets may still have been connecting. */
  isRevoked(sessionId: string): boolean {
    return this.#revoked.has(sessionId);
  }

  /** Ends the sockets of a session; returns their number. */
  revoke(sessionId: string): number {
    this.#revoked.set(sessionId, this.#options.clock.monotonic());
    return this.#endAll((connection) => connection.sessionId === sessionId);
  }

  /** Ends the sockets of all sessions that have expired; returns their number. */
  endExpired(): number {
    const { clock } = this.#options;
    for (const [sessionId, at] of this.#revoked) {
      if (clock.monotonic() - at > ADMITTED_WITHIN_MS) this.#revoked.delete(sessionId);
    }
    const now = clock.now();
    return this.#endAll((connection) => connection.expiresAt <= now);
  }

  /** Makes a session end at `expiresAt` (epoch ms). All sessions share one sweep per second. */
  watch(expiresAt: number): void {
    if (expiresAt >= this.#timerAt) return;
    const { clock, connections } = this.#options;
    this.#timer?.cancel();
    this.#timerAt = Math.max(expiresAt, clock.now() + SWEEP_PAUSE_MS);
    this.#timer = clock.after(this.#timerAt - clock.now(), () => {
      this.#timerAt = Infinity;
      this.endExpired();
      let next = Infinity;
      for (const each of connections) next = Math.min(next, each.expiresAt);
      this.watch(next);
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  #endAll(hasEnded: (connection: SocketConnection) => boolean): number {
    const ended = [...this.#options.connections].filter(hasEnded);
    for (const connection of ended) this.#options.endSession(connection);
    return ended.length;
  }
}
