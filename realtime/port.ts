/** The port of the realtime server: its methods, its options and the hooks it calls. */

import type { AcknowledgedEvent, AcknowledgementKind } from "./_acknowledgements.ts";
import type { BodyDeadline } from "../core/body_deadline.ts";
import type { EventHub, LocalSockets, UserEvent, UserName } from "../core/events.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { ReadClientScript } from "./_client_script.ts";
import type { DrainPace } from "./_drain.ts";
import type { AuthenticateHandshake, HandshakeRefusal } from "./handshake.ts";
import type { RealtimeSettings } from "./settings.ts";

/** What a listener knows of a request. */
export type RequestInfo = Deno.ServeHandlerInfo & {
  /**
   * Takes the content of a stream, where the listener writes it itself. The response then has no
   * body.
   */
  readonly pour?: (stream: StreamSource) => void;
  /**
   * Takes over the handshake of a WebSocket, where the listener has WebSockets of its own. The
   * response then has no body, and the socket opens once it is given. Returns false where headers of
   * the handshake are missing or wrong.
   */
  readonly upgrade?: (taken: TakenHandshake) => boolean;
};

/** What a listener with WebSockets of its own must know of one. */
export interface TakenHandshake {
  /** Bytes of the largest message that is accepted. */
  readonly maxMessageBytes: number;
  readonly onOpen: (socket: PeerSocket) => void;
}

/** What is used of a WebSocket: of the runtime's own, or of a listener's. */
export interface PeerSocket {
  readonly readyState: number;
  /** Bytes that the peer has not taken. */
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  /** There is one listener for both. A close may be told twice. */
  addEventListener(type: "message" | "close", listener: PeerListener): void;
  /** Sends a ping, of which the answer is told as `pong`. Absent where the runtime pings. */
  ping?(): void;
  /** Ends the connection at once. Absent where the runtime has no public way. */
  terminate?(): void;
}

/** Hears of a WebSocket's messages and of its end. */
export interface PeerListener {
  handleEvent(event: PeerEvent): void;
}

/** A message with its data, the answer to a ping, or the end of the connection. */
export interface PeerEvent {
  readonly type: string;
  readonly data?: unknown;
}

/** The content of a stream. */
export interface StreamSource {
  /** Gives it where it writes to. */
  start(sink: StreamSink): void;
  /** Asks for one text, which comes at once or later. */
  pull(): void;
  /** The peer's connection is gone. */
  cancel(): void;
}

/** What a stream writes to. */
export interface StreamSink {
  /** Called only after the stream was asked. */
  write(text: string): void;
  close(): void;
}

/** The realtime server. */
export interface Realtime extends AsyncDisposable, LocalSockets {
  /** Whether a path belongs to this server, whether or not it serves a client. */
  handles(pathname: string): boolean;
  /** Answers handshakes, polls and WebSocket upgrades. Never throws. */
  fetch(request: Request, info: RequestInfo): Promise<Response>;
  /** Sends `session:invalid` to the sockets of a revoked session and closes them; their number. */
  closeSession(sessionId: string): number;
  /** Does the same for all sessions that have expired. To be called now and then. */
  closeExpired(): number;
  /**
   * Takes a client's acknowledgement of the event at an offset, which came without a connection;
   * false where the user's log has no such event of this client.
   *
   * @param report.client may be absent where only one client has sockets
   * @throws {ServiceError} `invalid_request`, `not_found` (no such client), `store_unavailable`
   */
  acknowledge(
    user: UserName,
    report: {
      readonly client: string | undefined;
      readonly offset: number;
      readonly kind: AcknowledgementKind;
    },
  ): Promise<boolean>;
  /** Returns the session of every open socket; that of several sockets several times. */
  sessionIds(): Iterable<string>;
  /** Refuses new sockets and closes the open ones gradually, so that clients reconnect elsewhere. */
  drain(pace: DrainPace): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
  stats(): {
    readonly open: ReadonlyMap<string, number>;
    readonly backlogBytes: number;
    /** Number of frames sent to sockets. */
    readonly delivered: number;
    /** WebSockets that this server has closed and whose peers have not answered yet. */
    readonly closing: number;
  };
  /** Replaces the settings. */
  configure(settings: RealtimeSettings): void;
}

/** Options of the realtime server. */
export interface RealtimeOptions extends SystemDeps {
  readonly settings: RealtimeSettings;
  readonly authenticate: AuthenticateHandshake;
  /** The hub that sockets join. The caller starts it with this server as its local sockets. */
  readonly hub: Pick<EventHub, "join" | "leave" | "readMissed">;
  readonly hooks?: RealtimeHooks;
  /** Limits how long the body of a long-polling POST may take to arrive. @default {no limit} */
  readonly bodyDeadline?: BodyDeadline;
  /** Reads Socket.IO's client for browsers. @default {it is not served} */
  readonly readClientScript?: ReadClientScript;
  /** Whether clients may reach other nodes at the same address. */
  readonly hasOtherNodes?: boolean;
}

/** The user and client that a socket belongs to. */
interface SocketOwner extends UserName {
  readonly client: string;
}

/** Callbacks for what happens to sockets. */
export interface RealtimeHooks {
  onOpened?(connection: SocketOwner): void;
  /** `reason` is one of a few fixed texts. */
  onClosed?(connection: SocketOwner, reason: string): void;
  onRefused?(reason: HandshakeRefusal["code"]): void;
  /** A request named an Engine.IO session that this node does not have. */
  onUnknownSession?(): void;
  /** A client reconnected. Says how many events it had missed, and whether the log has them all. */
  onResumed?(
    connection: SocketOwner,
    missed: { readonly events: number; readonly complete: boolean },
  ): void;
  /** A socket received an event from the log that was kept for its client. */
  onRecovered?(connection: SocketOwner, event: UserEvent): void;
  /** A client acknowledged an event that asked for it; may be called several times for one. */
  onAcknowledged?(
    connection: SocketOwner & { readonly id?: string },
    event: AcknowledgedEvent,
    kind: AcknowledgementKind,
  ): void;
  /** A socket received `resync`: it missed events that the log does not have any more. */
  onResync?(connection: SocketOwner): void;
  /** An event does not follow what a socket received before, so the socket reads the log. */
  onGap?(connection: SocketOwner): void;
}
