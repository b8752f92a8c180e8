/**
 * Opens streams of server-sent events at `/v1/stream` and plain WebSockets at `/v1/socket`. It admits
 * them as Socket.IO's sockets are admitted and then hands them over; the fan-out does not know the
 * difference.
 */

import type { AcknowledgementKind } from "./_acknowledgements.ts";
import type { ClosingSockets } from "./_closing_sockets.ts";
import type { ConnectionAdmission, JoinedConnection } from "./_connection_admission.ts";
import { EventStream } from "./_event_stream.ts";
import { readyFrame } from "./_frames.ts";
import type { HandshakeGuard, IdentifiedSocket } from "./_handshake_guard.ts";
import type { Heartbeats } from "./_heartbeats.ts";
import { JsonSocket } from "./_json_socket.ts";
import type { StreamKind } from "./_paths.ts";
import { type ResumeRequest, streamResumeRequestOf } from "./_resume.ts";
import { SocketConnection } from "./_socket_connections.ts";
import { upgradeSocket } from "./_upgrade_socket.ts";
import { type HandshakeRefusal, refusalResponse } from "./handshake.ts";
import type { PeerSocket, RequestInfo, StreamSink, StreamSource } from "./port.ts";
import type { RealtimeSettings } from "./settings.ts";

/** Options of {@link StreamServer}. */
interface StreamServerOptions {
  readonly guard: HandshakeGuard;
  readonly admission: ConnectionAdmission;
  readonly heartbeats: Heartbeats;
  readonly closing: ClosingSockets;
  readonly settings: () => RealtimeSettings;
  readonly onRefused: (refusal: HandshakeRefusal) => void;
  /** A connection was admitted and has received its first frame. */
  readonly onOpened: (connection: SocketConnection) => void;
  /** A client acknowledges the event at an offset. */
  readonly onAcknowledged: (
    connection: SocketConnection,
    acknowledgement: { readonly offset: number; readonly kind: AcknowledgementKind },
  ) => void;
  /** The port of a connection has closed, whether it was admitted or not. */
  readonly onClosed: (connection: SocketConnection) => void;
}

/** Who asks for a connection, and where it was before. */
interface Admission {
  readonly identified: IdentifiedSocket;
  readonly request: ResumeRequest | undefined;
}

/** RFC 6455 §7.4.1 and the registry that it names. */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  // Caches must not keep it, and nobody may compress it: that would hold events back.
  "cache-control": "no-store, no-transform",
  // nginx passes it on as it comes.
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/** Answers requests for streams and plain WebSockets. */
export class StreamServer {
  readonly #options: StreamServerOptions;

  constructor(options: StreamServerOptions) {
    this.#options = options;
  }

  async fetch(
    kind: StreamKind,
    request: Request,
    info: RequestInfo,
  ): Promise<Response> {
    const { guard } = this.#options;
    if (request.method !== "GET") {
      await request.body?.cancel().catch(() => {});
      const message = `Cannot ${request.method} a stream: use GET`;
      const answer = this.#refuse("socket", { code: "method_not_allowed", message });
      answer.headers.set("allow", "GET");
      return answer;
    }
    // Read first: Deno drops the headers of a request that is upgraded.
    const resume = streamResumeRequestOf(request, new URL(request.url));
    const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const identified = await guard.checkStream(request, info);
    if (identified.refusal) return this.#refuse(kind, identified.refusal);
    if (kind === "socket" && !isUpgrade) {
      const message = "Cannot open a socket: the request is no WebSocket handshake";
      return this.#refuse(kind, { code: "invalid_request", message });
    }
    return kind === "stream"
      ? await this.#openStream(identified, resume, info.pour)
      : this.#openSocket(request, info, { identified, request: resume });
  }

  async #openStream(
    identified: IdentifiedSocket,
    request: ResumeRequest | undefined,
    pour: RequestInfo["pour"],
  ): Promise<Response> {
    const { pingInterval: pingMs, pingTimeout: timeoutMs } = this.#options.settings();
    const stream = new EventStream({ pingMs, timeoutMs, owner: this.#options });
    // Nothing is asked for before the peer's connection has room.
    const body = pour
      ? pour(stream) ?? null
      : new ReadableStream(new StreamBody(stream), { highWaterMark: 0 });
    const refusal = await this.#admit(stream, { identified, request });
    if (!refusal) return new Response(body, { headers: STREAM_HEADERS });
    stream.drop("refused");
    return this.#refuse("stream", refusal);
  }

  #openSocket(request: Request, info: RequestInfo, admission: Admission): Response {
    const { pingInterval, maxMessageBytes } = this.#options.settings();
    const response = upgradeSocket(request, {
      ...{ info, maxMessageBytes },
      // The runtime pings after half of it and closes after all of it.
      idleTimeout: Math.ceil(2 * pingInterval / 1000),
      onOpen: (socket) => void this.#onSocketOpen(socket, admission),
    });
    if (response) return response;
    const message = "Cannot open a socket: headers of the WebSocket handshake are missing or wrong";
    return this.#refuse("socket", { code: "invalid_request", message });
  }

  async #onSocketOpen(socket: PeerSocket, admission: Admission): Promise<void> {
    const { pingInterval: pingMs, pingTimeout: timeoutMs, maxMessageBytes } = this.#options
      .settings();
    const port = new JsonSocket({
      ...{ socket, pingMs, timeoutMs, maxMessageBytes, owner: this.#options },
    });
    const refusal = await this.#admit(port, admission);
    if (!refusal) return;
    this.#options.onRefused(refusal);
    port.sendText(JSON.stringify({ type: "refused", ...refusal }));
    const isTransient = refusal.retryAfterSeconds !== undefined;
    port.closeWith(isTransient ? TRY_AGAIN_LATER : POLICY_VIOLATION, "refused");
  }

  /** Admits a connection and sends its first frame; returns the refusal where it may not be. */
  async #admit(
    port: EventStream | JsonSocket,
    { identified, request }: Admission,
  ): Promise<HandshakeRefusal | undefined> {
    const { admission, onOpened } = this.#options;
    const socketId = crypto.randomUUID();
    const applicant = { identified, socketId, port, request, canAcknowledge: false };
    const connection = admission.register(applicant);
    if (!(connection instanceof SocketConnection)) return connection.refusal;
    port.connection = connection;
    const joined = await admission.join(connection, request);
    if (joined.refusal) return joined.refusal;
    // It closed, or another connection of its name replaced it, while the hub was asked.
    if (port.readyState !== "open") return undefined;
    port.sendText(this.#readyFrame(connection, joined));
    onOpened(connection);
    return undefined;
  }

  #readyFrame(connection: SocketConnection, joined: JoinedConnection): string {
    const { port, id, cursor } = connection;
    const { complete, isReturn } = joined;
    const fields = { connection: id, pingInterval: port.pingMs, recovered: isReturn && complete };
    return readyFrame(fields, {
      protocol: port.protocol as "sse" | "json",
      offset: complete ? cursor : undefined,
      retryMs: this.#options.settings().streamRetry,
    });
  }

  /**
   * Refuses a request. The browser's EventSource reconnects only after a stream has ended, never
   * after an error status, so a refusal that may be over in a moment is a stream that ends at once.
   */
  #refuse(kind: StreamKind, refusal: HandshakeRefusal): Response {
    this.#options.onRefused(refusal);
    const { retryAfterSeconds, code, message } = refusal;
    if (kind === "socket" || retryAfterSeconds === undefined) {
      return refusalResponse(refusal, { hasOriginalStatus: false });
    }
    const body = `retry: ${retryAfterSeconds * 1000}\nevent: refused\ndata: ${
      JSON.stringify({ code, message })
    }\n\n`;
    const headers = { ...STREAM_HEADERS, "retry-after": String(retryAfterSeconds) };
    return new Response(body, { headers });
  }
}

const encoder = new TextEncoder();

/** The content of a stream as the source of a response's body. */
class StreamBody implements UnderlyingDefaultSource<Uint8Array>, StreamSink {
  readonly #stream: StreamSource;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(stream: StreamSource) {
    this.#stream = stream;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#stream.start(this);
  }

  pull(): void {
    this.#stream.pull();
  }

  cancel(): void {
    this.#stream.cancel();
  }

  write(text: string): void {
    this.#controller!.enqueue(encoder.encode(text));
  }

  close(): void {
    this.#controller!.close();
  }
}
