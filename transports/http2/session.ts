/**
 * The client's side of one HTTP/2 connection (RFC 9113), as a state machine without I/O: requests
 * and frames go in, answers and frames to be sent come out. Knows streams, flow control, settings
 * and GOAWAY; it opens no connection, has no clock, and never sends a request twice. Made for many small `POST`s:
 * no priorities, no server push.
 */

import { Buffer } from "node:buffer";
import type { HttpFailure, HttpResult } from "../http/http_result.ts";
import type { Frame } from "./frame_reader.ts";
import { readUint32 } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import {
  DEFAULT_FRAME_SIZE,
  DEFAULT_WINDOW,
  ERROR,
  FLAG,
  FRAME,
  MAX_STREAM_ID,
  MAX_WINDOW,
  SETTING,
} from "./frames.ts";
import { HeaderList } from "./header_list.ts";
import { HpackDecoder, HpackError } from "./hpack_decoder.ts";
import { ProtocolError } from "./protocol_error.ts";

/** Settings of {@link Http2Session}. */
export interface Http2SessionOptions {
  /** Host and port. */
  readonly authority: string;
  /** Streams at once, where the far side allows more. */
  readonly maxStreams: number;
}

/** A request as a session takes it. */
export interface SessionRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Whether the body of a 2xx answer is dropped. */
  readonly ignoreSuccessBody: boolean;
  /** Called once. */
  readonly done: (result: HttpResult) => void;
}

/** One request under way. */
export interface Stream {
  readonly id: number;
  readonly request: SessionRequest;
  /** Bytes of data that the far side takes at the moment. May be negative. */
  window: number;
  /** What is left to be sent of the body. */
  unsent: Uint8Array | undefined;
  /** 0: no answer has begun. */
  status: number;
  headers: HeaderList;
  /** Of the answer's body. */
  readonly chunks: Uint8Array[];
  received: number;
}

/** A header block that goes on in CONTINUATION frames. */
interface PartialBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly parts: Uint8Array[];
  length: number;
}

const MAX_BODY_BYTES = 8 * 1024;
const MAX_BLOCK_BYTES = 64 * 1024;
const HEADER_TABLE_BYTES = 4096;
/** Answers are small; one that is not is cut off before it has filled the window of its stream. */
const CONNECTION_WINDOW = 16 * 1024 * 1024;
/** What may wait to be sent. Requests alone cannot come near it. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
const NO_HEADERS = new HeaderList([]);
const decoder = new TextDecoder();

/** One connection's protocol state. */
export class Http2Session {
  /** Frames to be sent; whoever owns the connection takes them from here. */
  readonly output = new FrameWriter();
  readonly #authority: string;
  readonly #maxStreams: number;
  readonly #streams = new Map<number, Stream>();
  /** Streams whose bodies wait for the far side to take more. */
  readonly #blocked = new Set<Stream>();
  readonly #hpack = new HpackDecoder({
    maxTableSize: HEADER_TABLE_BYTES,
    maxListSize: MAX_BLOCK_BYTES,
  });
  #partial: PartialBlock | undefined;
  #nextId = 1;
  /** Whether the far side's settings have come, without which nothing is sent. */
  #isReady = false;
  #isDraining = false;
  #farMaxStreams = Infinity;
  #farWindow = DEFAULT_WINDOW;
  #farFrameSize = DEFAULT_FRAME_SIZE;
  #sendWindow = DEFAULT_WINDOW;
  /** Bytes received that the far side does not know to be consumed. */
  #consumed = 0;
  #goaway: HttpFailure | undefined;

  constructor({ authority, maxStreams }: Http2SessionOptions) {
    this.#authority = authority;
    this.#maxStreams = maxStreams;
    this.output.preface();
    this.output.settings([
      [SETTING.HEADER_TABLE_SIZE, HEADER_TABLE_BYTES],
      [SETTING.ENABLE_PUSH, 0],
      [SETTING.MAX_HEADER_LIST_SIZE, MAX_BLOCK_BYTES],
    ]);
    this.output.numbers(FRAME.WINDOW_UPDATE, 0, [CONNECTION_WINDOW - DEFAULT_WINDOW]);
  }

  /** Whether the far side's settings have come. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether no further request may be made, because the far side goes away or ids are used up. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Requests that may be made right now. */
  get free(): number {
    if (!this.#isReady || this.#isDraining) return 0;
    return Math.max(0, Math.min(this.#maxStreams, this.#farMaxStreams) - this.#streams.size);
  }

  /** Requests under way, oldest first. */
  get streams(): ReadonlyMap<number, Stream> {
    return this.#streams;
  }

  /** The GOAWAY that the far side has sent, as what it means for a request that it was to answer. */
  get goaway(): HttpFailure | undefined {
    return this.#goaway;
  }

  /**
   * Makes a request. Only to be called where {@link free} says so.
   *
   * @throws {TypeError} where a header cannot be sent.
   */
  request(request: SessionRequest): Stream {
    const id = this.#nextId;
    const { path, headers, body } = request;
    this.output.request(
      id,
      { authority: this.#authority, path, contentLength: body.length, headers },
      this.#farFrameSize,
    );
    this.#nextId += 2;
    if (this.#nextId > MAX_STREAM_ID) this.#isDraining = true;
    const stream: Stream = {
      id,
      request,
      window: this.#farWindow,
      unsent: undefined,
      status: 0,
      headers: NO_HEADERS,
      chunks: [],
      received: 0,
    };
    this.#streams.set(id, stream);
    this.#send(stream, body);
    return stream;
  }

  /** Gives up a request; the far side is told. */
  cancel(stream: Stream, failure: HttpFailure): void {
    this.#reset(stream, ERROR.CANCEL);
    stream.request.done(failure);
  }

  /** Asks the far side for a sign of life. */
  ping(): void {
    this.output.ping(PING_PAYLOAD, { ack: false });
  }

  /** Says that no further request is made. */
  sayGoodbye(code: number = ERROR.NO_ERROR): void {
    this.#isDraining = true;
    this.output.numbers(FRAME.GOAWAY, 0, [0, code]);
  }

  /** Ends all requests under way, because the connection has ended. */
  end(failure: HttpFailure): void {
    this.#isDraining = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#blocked.clear();
    for (const { request } of streams) request.done(this.#goaway ?? failure);
  }

  /**
   * Takes one frame of the far side.
   *
   * @throws {ProtocolError} where the connection cannot go on. {@link sayGoodbye} with its code, then.
   */
  receive(frame: Frame): void {
    try {
      this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ProtocolError(ERROR.COMPRESSION_ERROR, error.message);
    }
    if (this.output.length > MAX_OUTPUT_BYTES) {
      throw new ProtocolError(ERROR.ENHANCE_YOUR_CALM, "too much is asked and nothing is read");
    }
  }

  #dispatch({ type, flags, stream, payload }: Frame): void {
    if (this.#partial && type !== FRAME.CONTINUATION) throw broken("a header block is not ended");
    if (!this.#isReady && type !== FRAME.SETTINGS) throw broken("the first frame is no SETTINGS");
    switch (type) {
      case FRAME.DATA:
        return this.#onData({ flags, stream: this.#ours(stream), payload });
      case FRAME.HEADERS:
        return this.#onHeaders({ flags, stream: this.#ours(stream), payload });
      case FRAME.CONTINUATION:
        return this.#onContinuation({ flags, stream, payload });
      case FRAME.RST_STREAM:
        return this.#onReset(this.#ours(stream), numberIn(payload));
      case FRAME.SETTINGS:
        if (stream !== 0) throw broken("SETTINGS on a stream");
        return this.#onSettings(flags, payload);
      case FRAME.PING:
        if (stream !== 0) throw broken("PING on a stream");
        if (payload.length !== 8) throw wrongSize("PING");
        if ((flags & FLAG.ACK) === 0) this.output.ping(payload, { ack: true });
        return;
      case FRAME.GOAWAY:
        if (stream !== 0) throw broken("GOAWAY on a stream");
        if (payload.length < 8) throw wrongSize("GOAWAY");
        return this.#onGoaway(payload);
      case FRAME.WINDOW_UPDATE:
        return this.#onWindowUpdate(stream, numberIn(payload) & MAX_WINDOW);
      case FRAME.PUSH_PROMISE:
        throw broken("server push was not allowed");
    }
    // PRIORITY, and what later standards add, is ignored.
  }

  /** The id of a stream that this side has opened at some time. */
  #ours(id: number): number {
    if (id % 2 === 0 || id >= this.#nextId) throw broken("a frame on a stream that nobody opened");
    return id;
  }

  #onHeaders(
    { flags, stream, payload }: {
      readonly flags: number;
      readonly stream: number;
      readonly payload: Uint8Array;
    },
  ): void {
    let block = unpadded(flags, payload);
    if ((flags & FLAG.PRIORITY) !== 0) {
      if (block.length < 5) throw wrongSize("HEADERS");
      block = block.subarray(5);
    }
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0) return this.#onBlock(stream, block, endStream);
    this.#partial = { stream, endStream, parts: [block.slice()], length: block.length };
  }

  #onContinuation(
    { flags, stream, payload }: {
      readonly flags: number;
      readonly stream: number;
      readonly payload: Uint8Array;
    },
  ): void {
    const partial = this.#partial;
    if (partial?.stream !== stream) throw broken("CONTINUATION of nothing");
    partial.parts.push(payload.slice());
    // An empty frame counts, too: there may not be endlessly many.
    partial.length += payload.length + 1;
    if (partial.length > MAX_BLOCK_BYTES) {
      throw new ProtocolError(ERROR.ENHANCE_YOUR_CALM, "a header block is too long");
    }
    if ((flags & FLAG.END_HEADERS) === 0) return;
    this.#partial = undefined;
    this.#onBlock(stream, Buffer.concat(partial.parts), partial.endStream);
  }

  #onBlock(id: number, block: Uint8Array, endStream: boolean): void {
    // Blocks of streams that were given up have to pass through the table as well.
    const entries = this.#hpack.decode(block);
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (stream.status === 0) {
      const status = entries[0] === ":status" ? Number(entries[1]) : NaN;
      if (!(status >= 100 && status <= 999)) return this.#malformed(stream);
      if (status < 200) return endStream ? this.#malformed(stream) : undefined;
      stream.status = status;
      stream.headers = new HeaderList(entries);
    }
    if (endStream) this.#finish(stream);
  }

  #onData(
    { flags, stream: id, payload }: {
      readonly flags: number;
      readonly stream: number;
      readonly payload: Uint8Array;
    },
  ): void {
    this.#consume(payload.length);
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (stream.status === 0) return this.#malformed(stream);
    const data = unpadded(flags, payload);
    if (!(stream.request.ignoreSuccessBody && stream.status < 300)) {
      const room = MAX_BODY_BYTES - stream.received;
      if (room > 0 && data.length > 0) stream.chunks.push(data.slice(0, room));
    }
    stream.received += data.length;
    if ((flags & FLAG.END_STREAM) !== 0) this.#finish(stream);
    else if (stream.received > MAX_BODY_BYTES) this.#finish(stream, { cut: true });
  }

  #consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < CONNECTION_WINDOW / 2) return;
    this.output.numbers(FRAME.WINDOW_UPDATE, 0, [this.#consumed]);
    this.#consumed = 0;
  }

  #onReset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    this.#forget(stream);
    stream.request.done(code === ERROR.REFUSED_STREAM ? REFUSED : BROKEN);
  }

  #onSettings(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ACK) !== 0) {
      if (payload.length !== 0) throw wrongSize("SETTINGS");
      return;
    }
    if (payload.length % 6 !== 0) throw wrongSize("SETTINGS");
    for (let at = 0; at < payload.length; at += 6) {
      this.#set(payload[at]! << 8 | payload[at + 1]!, readUint32(payload, at + 2));
    }
    this.#isReady = true;
    this.output.settingsAck();
    this.#sendBlocked();
  }

  #set(id: number, value: number): void {
    switch (id) {
      case SETTING.MAX_CONCURRENT_STREAMS:
        this.#farMaxStreams = value;
        return;
      case SETTING.INITIAL_WINDOW_SIZE: {
        if (value > MAX_WINDOW) throw overflow();
        const change = value - this.#farWindow;
        this.#farWindow = value;
        for (const stream of this.#streams.values()) {
          stream.window += change;
          if (stream.window > MAX_WINDOW) throw overflow();
        }
        return;
      }
      case SETTING.MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_SIZE || value >= 2 ** 24) throw broken("a size of no frame");
        this.#farFrameSize = value;
        return;
      case SETTING.ENABLE_PUSH:
        if (value !== 0) throw broken("a server that allows push");
    }
  }

  #onGoaway(payload: Uint8Array): void {
    this.#isDraining = true;
    const lastStream = readUint32(payload, 0) & MAX_STREAM_ID;
    const reason = reasonIn(payload.subarray(8));
    this.#goaway = goawayFailure("unknown", reason);
    const unprocessed = goawayFailure("no", reason);
    for (const stream of [...this.#streams.values()]) {
      if (stream.id <= lastStream) continue;
      this.#forget(stream);
      stream.request.done(unprocessed);
    }
  }

  #onWindowUpdate(id: number, increment: number): void {
    if (id === 0) {
      if (increment === 0) throw broken("a window that does not grow");
      this.#sendWindow += increment;
      if (this.#sendWindow > MAX_WINDOW) throw overflow();
      return this.#sendBlocked();
    }
    const stream = this.#streams.get(this.#ours(id));
    if (!stream) return;
    if (increment === 0 || stream.window + increment > MAX_WINDOW) return this.#malformed(stream);
    stream.window += increment;
    if (stream.unsent) this.#send(stream, stream.unsent);
  }

  #sendBlocked(): void {
    for (const stream of this.#blocked) {
      if (this.#sendWindow <= 0) return;
      this.#send(stream, stream.unsent!);
    }
  }

  #send(stream: Stream, body: Uint8Array): void {
    const window = Math.max(0, Math.min(this.#sendWindow, stream.window));
    const { unsent, sent } = this.output.data(stream.id, body, {
      window,
      maxFrame: this.#farFrameSize,
    });
    this.#sendWindow -= sent;
    stream.window -= sent;
    stream.unsent = unsent;
    if (unsent) this.#blocked.add(stream);
    else this.#blocked.delete(stream);
  }

  #finish(stream: Stream, { cut = false } = {}): void {
    // An answer may come before the body was sent; the rest of it is no longer wanted.
    if (cut || stream.unsent) this.#reset(stream, ERROR.CANCEL);
    else this.#streams.delete(stream.id);
    const { status, headers, chunks } = stream;
    const text = chunks.length === 0
      ? ""
      : decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    stream.request.done({ kind: "reply", status, headers, text });
  }

  /** An answer that makes no sense ends its stream, not the connection (RFC 9113 §8.1.1). */
  #malformed(stream: Stream): void {
    this.#reset(stream, ERROR.PROTOCOL_ERROR);
    stream.request.done(BROKEN);
  }

  #reset(stream: Stream, code: number): void {
    this.#forget(stream);
    this.output.numbers(FRAME.RST_STREAM, stream.id, [code]);
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
  }
}

const PING_PAYLOAD = new TextEncoder().encode("carillon");

const REFUSED: HttpFailure = {
  kind: "failed",
  sent: "no",
  fault: "refused_stream",
  reason: "the server refused the stream",
};

const BROKEN: HttpFailure = {
  kind: "failed",
  sent: "unknown",
  fault: "died",
  reason: "the connection broke before the answer came",
};

function goawayFailure(sent: HttpFailure["sent"], goawayReason: string | undefined): HttpFailure {
  const reason = "the server closed the connection (GOAWAY)";
  return {
    ...{ kind: "failed", sent, fault: "goaway" },
    reason: goawayReason ? `${reason}: ${goawayReason}` : reason,
    ...goawayReason && { goawayReason },
  };
}

/** The `reason` of the JSON that APNs sends with a GOAWAY. */
function reasonIn(debugData: Uint8Array): string | undefined {
  const text = decoder.decode(debugData.subarray(0, 1024));
  return /"reason"\s*:\s*"([A-Za-z]{1,64})"/.exec(text)?.[1];
}

function unpadded(flags: number, payload: Uint8Array): Uint8Array {
  if ((flags & FLAG.PADDED) === 0) return payload;
  const padding = payload[0] ?? 0;
  if (padding >= payload.length) throw broken("more padding than payload");
  return payload.subarray(1, payload.length - padding);
}

function numberIn(payload: Uint8Array): number {
  if (payload.length !== 4) throw wrongSize("a number");
  return readUint32(payload, 0);
}

function broken(message: string): ProtocolError {
  return new ProtocolError(ERROR.PROTOCOL_ERROR, message);
}

function wrongSize(what: string): ProtocolError {
  return new ProtocolError(ERROR.FRAME_SIZE_ERROR, `${what} of a wrong size`);
}

function overflow(): ProtocolError {
  return new ProtocolError(ERROR.FLOW_CONTROL_ERROR, "a window is too large");
}
