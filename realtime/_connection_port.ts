/**
 * What the fan-out and the recovery write to: one open connection, whatever its protocol.
 * Engine.IO sockets, streams of server-sent events and plain WebSockets implement it, so that
 * offsets, recovery and limits are the same for all of them.
 */

import type { BacklogPeer } from "./_backlog.ts";

/**
 * How frames are encoded: Socket.IO over Engine.IO's revision 3 or 4, server-sent events, or JSON
 * messages on a plain WebSocket.
 */
export type Protocol = 3 | 4 | "sse" | "json";

/** An open connection of a client. */
export interface ConnectionPort extends BacklogPeer {
  readonly protocol: Protocol;
  readonly readyState: "opening" | "open" | "closing" | "closed";
  /** Milliseconds between two heartbeats. */
  readonly pingMs: number;
  /** Milliseconds after a heartbeat within which a silent peer counts as gone. */
  readonly timeoutMs: number;
  /** Why the connection closed; one of a few fixed texts. */
  readonly closeReason: string | undefined;
  /** Sends a frame of {@link protocol}, in the order of the calls. */
  sendText(frame: string): void;
  /** Asks the peer soon whether it has received everything. Does nothing where it cannot tell. */
  pingSoon(): void;
  /** Closes the connection; `discard` drops what waits in this process. */
  close(discard?: boolean): void;
  /** Marks the connection as closed where its peer does not take part in closing. */
  onClose(reason: string): void;
}
