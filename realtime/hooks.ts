/** What the realtime server tells of what happens to sockets, for whoever counts. */

import type { UserEvent } from "../core/events.ts";
import type { AcknowledgedEvent, AcknowledgementKind } from "./_acknowledgements.ts";
import type { HandshakeRefusal } from "./handshake.ts";

/** Whose sockets of which client. */
export interface SocketOwner {
  readonly context: string;
  readonly user: string;
  readonly client: string;
}

/** Told of what happens to sockets. */
export interface RealtimeHooks {
  onOpened?(connection: SocketOwner): void;
  /** `reason` is one of a few fixed texts. */
  onClosed?(connection: SocketOwner, reason: string): void;
  onRefused?(reason: HandshakeRefusal["code"]): void;
  /** A request named a session that this node does not have. */
  onUnknownSession?(): void;
  /** A client came back: how many events it had missed, and whether they are all there. */
  onResumed?(
    connection: SocketOwner,
    missed: { readonly events: number; readonly complete: boolean },
  ): void;
  /** A socket was told an event from the log that had been kept for its client. */
  onRecovered?(connection: SocketOwner, event: UserEvent): void;
  /** A client acknowledged an event that asked for it, once or several times. */
  onAcknowledged?(
    connection: SocketOwner,
    event: AcknowledgedEvent,
    kind: AcknowledgementKind,
  ): void;
  /** A socket was told that events are missing that cannot be had any more. */
  onResync?(connection: SocketOwner): void;
  /** A socket was told an event that did not follow what it had, and looks into the log. */
  onGap?(connection: SocketOwner): void;
}
