/**
 * Closes WebSockets, and frees those whose peers do not answer. A WebSocket is closed once both
 * sides have said so; Deno waits for the peer's word without end, and the TCP connection with its
 * file descriptor stays as long. Deno's `idleTimeout` does not help: it watches open ones only.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { freeWebSocket } from "./_free_web_socket.ts";

/** RFC 6455 §7.1.1 leaves it to the server how long it waits for the peer's close frame. */
const ANSWERS_WITHIN_MS = 30_000;

/** WebSockets that were closed on this side and are not gone. */
export class ClosingSockets {
  readonly #clock: Clock;
  /** In the order of their closing; from monotonic milliseconds on they may be freed. */
  readonly #freeAt = new Map<WebSocket, number>();
  /** Those for which the runtime still holds data: it would keep their connections all the same. */
  readonly #full = new Set<WebSocket>();
  #timer: Timer | undefined;
  #hasStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many have not gone yet. */
  get size(): number {
    return this.#freeAt.size + this.#full.size;
  }

  /** Says goodbye to the peer. Idempotent. */
  close(socket: WebSocket, code?: number): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    // Zero from the moment that it is closing, whatever is held.
    const isFull = socket.bufferedAmount > 0;
    socket.close(code);
    if (isFull) this.#full.add(socket);
    else this.#freeAt.set(socket, this.#clock.monotonic() + ANSWERS_WITHIN_MS);
    this.#wait();
  }

  /** Must be called when a WebSocket is gone. Idempotent. */
  gone(socket: WebSocket): void {
    this.#full.delete(socket);
    if (this.#freeAt.delete(socket) && this.#freeAt.size === 0) this.#cancel();
  }

  /** Waits for nobody any more; the process is about to end. */
  stop(): void {
    this.#hasStopped = true;
    this.#cancel();
  }

  #wait(): void {
    const [next] = this.#freeAt.values();
    if (next === undefined || this.#timer || this.#hasStopped) return;
    this.#timer = this.#clock.after(next - this.#clock.monotonic(), () => {
      this.#timer = undefined;
      this.#free();
      this.#wait();
    });
  }

  #free(): void {
    const now = this.#clock.monotonic();
    for (const [socket, at] of this.#freeAt) {
      if (at > now) return;
      this.#freeAt.delete(socket);
      // Where the runtime does not let go, it stays counted.
      if (!freeWebSocket(socket)) this.#full.add(socket);
    }
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
