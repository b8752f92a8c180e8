/**
 * A connection that carries server-sent events: the source of a response that does not end. Frames
 * wait here until the listener asks for more, so that a slow reader's backlog is known, and what has
 * gathered goes out as one chunk.
 */

import type { ConnectionPort } from "./_connection_port.ts";
import type { Heartbeats, HeartbeatTarget } from "./_heartbeats.ts";
import type { SocketConnection } from "./_socket_connections.ts";
import type { StreamSink, StreamSource } from "./port.ts";

/** Options of {@link EventStream}. */
interface EventStreamOptions {
  readonly pingMs: number;
  readonly timeoutMs: number;
  readonly owner: EventStreamOwner;
}

/** What all streams share, so that a stream needs no closures of its own. */
interface EventStreamOwner {
  readonly heartbeats: Heartbeats;
  /** An admitted connection has closed. */
  readonly onClosed: (connection: SocketConnection) => void;
}

/** A comment: clients ignore it, and proxies see that the connection is in use. */
const HEARTBEAT = ":\n\n";

/** One stream of server-sent events. */
export class EventStream implements ConnectionPort, HeartbeatTarget, StreamSource {
  readonly protocol = "sse";
  readonly pingMs: number;
  readonly timeoutMs: number;
  readyState: ConnectionPort["readyState"] = "open";
  closeReason: string | undefined = undefined;
  heartbeatAt: number;
  /** Set on admission. */
  connection: SocketConnection | undefined = undefined;
  readonly #owner: EventStreamOwner;
  #sink: StreamSink | undefined;
  /** Frames that wait for the listener to ask. */
  #waiting = "";
  /** Whether the listener has asked and got nothing yet. */
  #isAsked = false;
  /** Monotonic milliseconds since when nothing was taken of what waits. */
  #waitingSince: number | undefined = undefined;
  #onGone: (() => void) | undefined = undefined;

  constructor({ pingMs, timeoutMs, owner }: EventStreamOptions) {
    this.pingMs = pingMs;
    this.timeoutMs = timeoutMs;
    this.#owner = owner;
    this.heartbeatAt = owner.heartbeats.now() + pingMs;
    owner.heartbeats.add(this);
  }

  get backlogBytes(): number {
    return this.#waiting.length;
  }

  sendText(frame: string): void {
    if (this.readyState !== "open") return;
    this.#waiting += frame;
    if (this.#isAsked) this.#give();
    else this.#waitingSince ??= this.#owner.heartbeats.now();
  }

  /** The client says how far it got when it reconnects, so there is nothing to ask. */
  pingSoon(): void {}

  heartbeat(): void {
    const now = this.#owner.heartbeats.now();
    this.heartbeatAt = now + this.pingMs;
    if (this.readyState === "closed") this.#end();
    else if (this.#waitingSince === undefined) this.sendText(HEARTBEAT);
    else if (now - this.#waitingSince >= this.timeoutMs) this.drop("ping timeout");
  }

  /** Ends the stream after what waits, unless that is to be dropped. */
  close(): void {
    if (this.readyState !== "open") return;
    this.readyState = "closing";
    if (this.#waiting === "") this.#end();
    this.onClose("forced close");
  }

  drop(reason = "backlog"): void {
    this.#end();
    this.onClose(reason);
  }

  whenGone(run: () => void): void {
    if (this.#sink === undefined) run();
    else this.#onGone = run;
  }

  onClose(reason: string): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.closeReason = reason;
    // For a peer that does not take the last frames either.
    this.heartbeatAt = this.#owner.heartbeats.now() + this.timeoutMs;
    if (this.connection) this.#owner.onClosed(this.connection);
  }

  /** Called by the listener. */
  start(sink: StreamSink): void {
    this.#sink = sink;
  }

  /** Called by the listener when the peer's connection has room. */
  pull(): void {
    this.#isAsked = true;
    if (this.#waiting !== "") this.#give();
  }

  /** Called by the listener when the peer's connection is gone. */
  cancel(): void {
    this.#sink = undefined;
    this.#release();
    this.onClose("transport close");
  }

  #give(): void {
    const frames = this.#waiting;
    this.#waiting = "";
    this.#waitingSince = undefined;
    this.#isAsked = false;
    this.#sink?.write(frames);
    if (this.readyState !== "open") this.#end();
  }

  /** Ends the stream without what waits. The runtime logs an error of a stream, so it is none. */
  #end(): void {
    this.#sink?.close();
    this.#sink = undefined;
    this.#release();
  }

  #release(): void {
    this.#owner.heartbeats.remove(this);
    this.#waiting = "";
    const run = this.#onGone;
    this.#onGone = undefined;
    run?.();
  }
}
