/** What the realtime server tells of what happens to sockets, for whoever counts. */

import type { UserEvent } from "../core/events.ts";
import type { Refusal } from "./handshake.ts";

/** Whose sockets of which client. */
export interface Audience {
  readonly context: string;
  readonly user: string;
  readonly client: string;
}

/** Told of what happens to sockets. */
export interface RealtimeHooks {
  onOpened?(connection: Audience): void;
  /** `reason` is one of a few fixed texts. */
  onClosed?(connection: Audience, reason: string): void;
  onRefused?(reason: Refusal["code"]): void;
  /** A request named a session that this node does not have. */
  onUnknownSession?(): void;
  /** A client came back: how many events it had missed, and whether they are all there. */
  onResumed?(
    connection: Audience,
    missed: { readonly events: number; readonly complete: boolean },
  ): void;
  /** A socket was told an event from the log that had been kept for its client. */
  onCaughtUp?(connection: Audience, event: UserEvent): void;
  /** A socket was told that events are missing that cannot be had any more. */
  onResync?(connection: Audience): void;
  /** A socket was told an event that did not follow what it had, and looks into the log. */
  onGap?(connection: Audience): void;
}
