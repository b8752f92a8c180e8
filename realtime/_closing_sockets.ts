/**
 * Closes WebSockets, and frees those whose peers do not answer the close frame. Deno waits for the
 * answer without a limit, and keeps the TCP connection with its file descriptor meanwhile. Deno's
 * `idleTimeout` does not help: it applies to open WebSockets only.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { PeerSocket } from "./port.ts";

/** How long a peer may take for its close frame. RFC 6455 §7.1.1 leaves it to the server. */
const ANSWERS_WITHIN_MS = 30_000;

/** WebSockets that this server has closed and whose connections are still open. */
export class ClosingSockets {
  readonly #clock: Clock;
  /** Monotonic milliseconds at which each is freed, in the order of closing. */
  readonly #freeAt = new Map<PeerSocket, number>();
  /** WebSockets for which the runtime holds unsent data: freeing them would not end the connection. */
  readonly #full = new Set<PeerSocket>();
  #timer: Timer | undefined;
  #hasStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of connections that are still open. */
  get size(): number {
    return this.#freeAt.size + this.#full.size;
  }

  /** Sends the close frame. Idempotent. */
  close(socket: PeerSocket, code?: number): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    // Read before `close()`, after which `bufferedAmount` is 0 whatever the runtime holds.
    const isFull = !socket.terminate && socket.bufferedAmount > 0;
    socket.close(code);
    if (isFull) this.#full.add(socket);
    else this.#freeAt.set(socket, this.#clock.monotonic() + ANSWERS_WITHIN_MS);
    this.#schedule();
  }

  /** Must be called when the connection of a WebSocket has ended. Idempotent. */
  gone(socket: PeerSocket): void {
    this.#full.delete(socket);
    if (this.#freeAt.delete(socket) && this.#freeAt.size === 0) this.#cancel();
  }

  /** Stops the timer; the process is about to end. */
  stop(): void {
    this.#hasStopped = true;
    this.#cancel();
  }

  #schedule(): void {
    const [next] = this.#freeAt.values();
    if (next === undefined || this.#timer || this.#hasStopped) return;
    this.#timer = this.#clock.after(next - this.#clock.monotonic(), () => {
      this.#timer = undefined;
      this.#free();
      this.#schedule();
    });
  }

  #free(): void {
    const now = this.#clock.monotonic();
    for (const [socket, at] of this.#freeAt) {
      if (at > now) return;
      this.#freeAt.delete(socket);
      if (socket.terminate) socket.terminate();
      // A connection that the runtime does not free stays counted.
      else if (!freeWebSocket(socket)) this.#full.add(socket);
    }
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** The members of the runtime that {@link freeWebSocket} uses. They are not public. */
interface Runtime {
  readonly internal: symbol;
  readonly [internal: symbol]: {
    readonly core?: { tryClose?(resource: number): void };
  } | undefined;
}

/**
 * Closes a WebSocket's TCP connection at once, without a word to the peer. Deno 2.9 has no API for
 * it, so this calls what Deno itself calls when an idle peer leaves a ping unanswered. Returns false
 * where the runtime does not have these members.
 */
function freeWebSocket(socket: PeerSocket): boolean {
  const runtime = Deno as unknown as Runtime;
  const { core } = runtime[runtime.internal] ?? {};
  const key = Object.getOwnPropertySymbols(socket).find((each) => each.description === "[[rid]]");
  const resource: unknown = key && Reflect.get(socket, key);
  if (typeof core?.tryClose !== "function" || typeof resource !== "number") return false;
  core.tryClose(resource);
  return true;
}
