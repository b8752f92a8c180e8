/**
 * One HTTP/2 connection: joins a session to a TLS socket. It writes the session's output once per
 * event loop iteration and passes received frames to it. It reports when it can take requests and
 * when it is closed; the sender decides about a new connection.
 */

import type { Clock } from "../../core/clock.ts";
import type { HttpFailure } from "../http/mod.ts";
import { BROKEN, NO_CONNECTION, NO_HTTP2 } from "../http/failures.ts";
import { connectFailure, NO_CONNECTION_IN_TIME, SILENT } from "./failures.ts";
import { FrameReader } from "./frame_reader.ts";
import { ProtocolError } from "./protocol_error.ts";
import { Http2Session } from "./session.ts";
import type { Stream, StreamRequest } from "./stream.ts";

/** Opens a TLS connection and negotiates HTTP/2 if the server supports it. */
export type ConnectTls = (signal: AbortSignal) => Promise<Deno.TlsConn>;

interface Http2ConnectionOptions {
  readonly connect: ConnectTls;
  /** Host and port. */
  readonly authority: string;
  readonly maxStreams: number;
  readonly clock: Clock;
  /** Called when the connection may have room for requests. */
  readonly onFree: () => void;
  /** Called once, after the last request; with the reason where it never became usable. */
  readonly onClosed: (unusable: HttpFailure | undefined) => void;
}

/** Apple allows one PING an hour to keep an idle connection open. */
const IDLE_PING_MS = 3_600_000;

/** A connection, from the attempt to open it to its end. */
export class Http2Connection {
  readonly #options: Http2ConnectionOptions;
  readonly #session: Http2Session;
  readonly #reader = new FrameReader();
  readonly openedAt: number;
  /** Monotonic milliseconds. */
  lastReceivedAt: number;
  /** When the PING was sent that nothing has been received since. */
  pingedAt: number | undefined;
  /** Requests in a row without an answer in time. */
  unanswered = 0;
  readonly #connecting = new AbortController();
  #socket: Deno.TlsConn | undefined;
  /** Resolves when the socket is closed. */
  readonly finished: Promise<void>;
  #hungUp: Promise<void> | undefined;
  #isWriting = false;
  #isFlushDue = false;
  #isRetired = false;
  #isClosed = false;

  constructor(options: Http2ConnectionOptions) {
    this.#options = options;
    this.#session = new Http2Session(options);
    this.openedAt = this.lastReceivedAt = options.clock.monotonic();
    this.finished = this.#run().then(() => this.#hungUp);
  }

  /** Whether the server's SETTINGS have arrived. */
  get isReady(): boolean {
    return this.#session.isReady;
  }

  /** Whether it takes no further requests. */
  get isOver(): boolean {
    return this.#isRetired || this.#isClosed || this.#session.isDraining;
  }

  /** How many requests it can take now. */
  get free(): number {
    return this.isOver ? 0 : this.#session.free;
  }

  get inFlight(): number {
    return this.#session.streams.size;
  }

  /** Requests in flight, oldest first. */
  streams(): Iterable<Stream> {
    return this.#session.streams.values();
  }

  /** @throws {TypeError} where a header cannot be sent. */
  request(request: StreamRequest): Stream {
    const stream = this.#session.request(request);
    this.#flushSoon();
    return stream;
  }

  cancel(stream: Stream, failure: HttpFailure): void {
    this.#session.cancel(stream, failure);
    this.#flushSoon();
    this.#closeIfDone();
  }

  /**
   * Closes a connection that is dead at `now`, and pings one that is silent. Times are milliseconds,
   * `now` of the monotonic clock.
   */
  checkLiveness(
    now: number,
    { timeoutMs, silenceMs }: { readonly timeoutMs: number; readonly silenceMs: number },
  ): void {
    if (!this.isReady) {
      if (now - this.openedAt >= timeoutMs) this.abandon(NO_CONNECTION_IN_TIME);
    } else if (this.pingedAt !== undefined) {
      if (now - this.pingedAt >= silenceMs) this.abandon(SILENT);
    } else if (now - this.lastReceivedAt >= (this.inFlight > 0 ? silenceMs : IDLE_PING_MS)) {
      this.pingedAt = this.#options.clock.monotonic();
      this.#session.ping();
      this.#flushSoon();
    }
  }

  /** Takes no more requests, and closes after the last one in flight. */
  retire(): void {
    this.#isRetired = true;
    this.#closeIfDone();
  }

  /** Closes at once. Requests in flight end with `failure`. */
  abandon(failure: HttpFailure): void {
    this.#close({ failure });
  }

  async #run(): Promise<void> {
    try {
      this.#socket = await this.#options.connect(this.#connecting.signal);
      // The connection was abandoned while it was being opened.
      if (this.#isClosed) return this.#socket.close();
      const { alpnProtocol } = await this.#socket.handshake();
      if (alpnProtocol !== "h2") return this.#close({ failure: NO_HTTP2 });
    } catch (error) {
      return this.#close({ failure: connectFailure(error) });
    }
    this.#flushSoon();
    await this.#read(this.#socket);
  }

  async #read(socket: Deno.TlsConn): Promise<void> {
    try {
      for (;;) {
        const count = await socket.read(this.#reader.room());
        if (count === null || this.#isClosed) break;
        this.lastReceivedAt = this.#options.clock.monotonic();
        this.pingedAt = undefined;
        this.#reader.filled(count);
        for (let frame; (frame = this.#reader.next());) this.#session.receive(frame);
        this.#flushSoon();
        if (this.#session.isDraining || this.#isRetired) this.#closeIfDone();
        this.#options.onFree();
      }
    } catch (error) {
      if (error instanceof ProtocolError) return this.#close({ code: error.errorCode });
      // With TLS 1.3 the server refuses a client certificate only after the handshake.
      if (!this.isReady) return this.#close({ failure: connectFailure(error) });
      // A broken connection fails in many ways, which all mean the same.
    }
    this.#close({ failure: this.isReady ? BROKEN : NO_CONNECTION });
  }

  /** Waits for the current event loop iteration, so that its requests are one write. */
  #flushSoon(): void {
    if (this.#isFlushDue || this.#isWriting) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      if (!this.#isWriting) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const socket = this.#socket;
    if (!socket || this.#isClosed) return;
    const { output } = this.#session;
    this.#isWriting = true;
    try {
      while (output.length > 0 && !this.#isClosed) {
        const bytes = output.take();
        for (let sent = 0; sent < bytes.length;) {
          sent += await socket.write(sent === 0 ? bytes : bytes.subarray(sent));
        }
        output.recycle(bytes);
      }
    } catch {
      this.#close({});
    } finally {
      this.#isWriting = false;
    }
  }

  #closeIfDone(): void {
    if (this.isOver && this.inFlight === 0) this.#close({});
  }

  /** `code` is the error code of the GOAWAY; absent for a normal end. */
  #close(
    { failure = BROKEN, code }: { readonly failure?: HttpFailure; readonly code?: number },
  ): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const wasReady = this.#session.isReady;
    this.#session.end(failure);
    this.#closeGracefully(code);
    this.#options.onClosed(wasReady || this.#isRetired ? undefined : failure);
  }

  /** Sends a GOAWAY if the server still reads. */
  #closeGracefully(code: number | undefined): void {
    const socket = this.#socket;
    if (!socket) return this.#connecting.abort();
    if (!this.#session.isReady || this.#isWriting) return closeQuietly(socket);
    this.#session.sendGoaway(code);
    this.#hungUp = socket.write(this.#session.output.take()).then(ignore, ignore)
      .then(() => closeQuietly(socket));
  }
}

function ignore() {}

/** Closes a socket that may be closed already, or that TLS may have taken over. */
export function closeQuietly(socket: Deno.TcpConn | Deno.TlsConn): void {
  try {
    socket.close();
  } catch { /* nothing to close */ }
}
