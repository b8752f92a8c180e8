/**
 * An HTTP/2 server at the level of frames: it answers as the test says and misbehaves on demand. A
 * server of `node:http2` can neither send a GOAWAY at any time nor handle tens of thousands of
 * requests per second.
 */

import { FrameReader } from "../../transports/http2/frame_reader.ts";
import { FrameWriter } from "../../transports/http2/frame_writer.ts";
import { FLAG, FRAME, PREFACE, SETTING } from "../../transports/http2/frames.ts";
import { HpackDecoder } from "../../transports/http2/hpack_decoder.ts";

/** One request, read to its end. */
export interface PeerRequest {
  readonly stream: number;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  readonly connection: PeerConnection;
  /** Answers with a status and, where there is one, a text. */
  answer(status: number, text?: string): void;
  /** Resets the stream with an error code. */
  reset(code: number): void;
}

/** One connection of a client. */
interface PeerConnection {
  readonly number: number;
  /** Streams that are open. */
  readonly open: number;
  limitStreams(count: number): void;
  /** GOAWAY; `lastStream` is the last one that is still answered. */
  goAway(lastStream: number, code: number): void;
  /** Stops reading and writing for a number of milliseconds. */
  stall(ms: number): void;
  /** Closes the TCP connection without a GOAWAY. */
  destroy(): void;
}

/** Settings of {@link startH2Peer}. */
interface H2PeerOptions {
  readonly cert: string;
  readonly key: string;
  /** The most concurrent streams of a connection. */
  readonly streams: number;
  /** Whether headers are decoded, which doubles the cost of a request. */
  readonly readsHeaders: boolean;
  readonly onRequest: (request: PeerRequest) => void;
}

/** A listening HTTP/2 server. */
interface H2Peer extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly origin: string;
  /** Connections so far. */
  readonly connections: number;
}

/** HPACK: `:status` by its index, and as a literal. */
const STATUS_200 = Uint8Array.of(0x88);
const NOTHING = new Uint8Array();
const encoder = new TextEncoder();

/** Starts listening on loopback. */
export function startH2Peer(options: H2PeerOptions): H2Peer {
  const { cert, key } = options;
  const listener = Deno.listenTls({
    port: 0,
    hostname: "127.0.0.1",
    cert,
    key,
    alpnProtocols: ["h2"],
  });
  const open = new Set<Connection>();
  const running = new Set<Promise<void>>();
  let connections = 0;
  const done = (async () => {
    try {
      for await (const socket of listener) {
        const connection = new Connection(socket, { ...options, number: ++connections });
        open.add(connection);
        const life: Promise<void> = connection.run().finally(() => {
          open.delete(connection);
          running.delete(life);
        });
        running.add(life);
      }
    } catch { /* closed */ }
  })();
  return {
    origin: `https://localhost:${(listener.addr as Deno.NetAddr).port}`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.destroy();
      await Promise.all([done, ...running]);
    },
  };
}

class Connection implements PeerConnection {
  readonly number: number;
  readonly #socket: Deno.TlsConn;
  readonly #options: H2PeerOptions;
  readonly #reader = new FrameReader();
  readonly #output = new FrameWriter();
  readonly #hpack = new HpackDecoder({ maxTableSize: 4096, maxListSize: 65_536 });
  readonly #heads = new Map<number, readonly string[]>();
  #consumed = 0;
  #lastStream = Infinity;
  #isFlushDue = false;
  #isWriting = false;
  #isDestroyed = false;
  #stalled: Promise<void> | undefined;

  constructor(socket: Deno.TlsConn, options: H2PeerOptions & { readonly number: number }) {
    this.#socket = socket;
    this.#options = options;
    this.number = options.number;
  }

  get open(): number {
    return this.#heads.size;
  }

  async run(): Promise<void> {
    try {
      const { streams } = this.#options;
      this.#output.settings([[SETTING.MAX_CONCURRENT_STREAMS, streams]]);
      this.#output.numbers(FRAME.WINDOW_UPDATE, 0, [2 ** 30]);
      this.#flush();
      await this.#readPreface();
      for (;;) {
        const count = await this.#socket.read(this.#reader.room());
        if (count === null) break;
        if (this.#stalled) await this.#stalled;
        this.#reader.filled(count);
        for (let frame; (frame = this.#reader.next());) this.#receive(frame);
        this.#flush();
      }
    } catch { /* it broke, which is what it is for */ }
    this.destroy();
  }

  limitStreams(count: number): void {
    this.#output.settings([[SETTING.MAX_CONCURRENT_STREAMS, count]]);
    this.#flushSoon();
  }

  goAway(lastStream: number, code: number): void {
    this.#lastStream = lastStream;
    this.#output.numbers(FRAME.GOAWAY, 0, [lastStream, code]);
    this.#flushSoon();
  }

  stall(ms: number): void {
    this.#stalled = new Promise((resolve) =>
      setTimeout(() => {
        this.#stalled = undefined;
        resolve();
        this.#flushSoon();
      }, ms)
    );
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    try {
      this.#socket.close();
    } catch { /* closed already */ }
  }

  async #readPreface(): Promise<void> {
    const preface = new Uint8Array(PREFACE.length);
    for (let have = 0; have < preface.length;) {
      const count = await this.#socket.read(preface.subarray(have));
      if (count === null) throw new Error("no preface");
      have += count;
    }
  }

  #receive(
    { type, flags, stream, payload }: {
      readonly type: number;
      readonly flags: number;
      readonly stream: number;
      readonly payload: Uint8Array;
    },
  ): void {
    switch (type) {
      case FRAME.HEADERS:
        this.#heads.set(stream, this.#options.readsHeaders ? this.#hpack.decode(payload) : []);
        break;
      case FRAME.DATA:
        this.#consumed += payload.length;
        if (this.#consumed > 2 ** 20) {
          this.#output.numbers(FRAME.WINDOW_UPDATE, 0, [this.#consumed]);
          this.#consumed = 0;
        }
        break;
      case FRAME.RST_STREAM:
        this.#heads.delete(stream);
        return;
      case FRAME.PING:
        if ((flags & FLAG.ACK) === 0) {
          this.#output.frame({ type, flags: FLAG.ACK, stream, payload });
        }
        return;
      case FRAME.SETTINGS:
        if ((flags & FLAG.ACK) === 0) {
          this.#output.frame({ type, flags: FLAG.ACK, stream: 0, payload: NOTHING });
        }
        return;
      case FRAME.GOAWAY:
        if (this.#heads.size === 0) this.destroy();
        return;
    }
    if ((type === FRAME.DATA || type === FRAME.HEADERS) && (flags & FLAG.END_STREAM) !== 0) {
      this.#ask(stream);
    }
  }

  #ask(stream: number): void {
    const headers = this.#heads.get(stream);
    if (!headers || stream > this.#lastStream) return;
    this.#options.onRequest({
      stream,
      headers,
      connection: this,
      answer: (status, text) => {
        if (!this.#heads.delete(stream)) return;
        const end = text === undefined ? FLAG.END_STREAM : 0;
        const payload = status === 200 ? STATUS_200 : statusBlock(status);
        const flags = FLAG.END_HEADERS | end;
        this.#output.frame({ type: FRAME.HEADERS, flags, stream, payload });
        if (text !== undefined) {
          const data = encoder.encode(text);
          this.#output.frame({ type: FRAME.DATA, flags: FLAG.END_STREAM, stream, payload: data });
        }
        this.#flushSoon();
      },
      reset: (code) => {
        if (!this.#heads.delete(stream)) return;
        this.#output.numbers(FRAME.RST_STREAM, stream, [code]);
        this.#flushSoon();
      },
    });
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  async #flush(): Promise<void> {
    if (this.#isWriting || this.#isDestroyed || this.#stalled) return;
    this.#isWriting = true;
    try {
      while (this.#output.length > 0 && !this.#isDestroyed && !this.#stalled) {
        const bytes = this.#output.take();
        for (let sent = 0; sent < bytes.length;) {
          sent += await this.#socket.write(bytes.subarray(sent));
        }
        this.#output.recycle(bytes);
      }
    } catch {
      this.destroy();
    }
    this.#isWriting = false;
  }
}

function statusBlock(status: number): Uint8Array {
  return Uint8Array.of(0x08, 3, ...encoder.encode(String(status)));
}
