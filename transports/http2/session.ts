/**
 * The client side of one HTTP/2 connection (RFC 9113) as a state machine without I/O: requests and
 * received frames go in, answers and outgoing frames come out. It opens no connection, has no clock
 * and never resends. Made for many small `POST`s: no priorities, no server push.
 */

import type { HttpFailure } from "../http/mod.ts";
import { FlowControl } from "./_flow_control.ts";
import { BROKEN, REFUSED } from "../http/failures.ts";
import { goawayFrameFailure } from "./failures.ts";
import { PeerSettings } from "./peer_settings.ts";
import { type Frame, readUint32 } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import { ERROR, FLAG, FRAME, MAX_STREAM_ID, MAX_WINDOW, SETTING } from "./frames.ts";
import { type HeaderBlock, HeaderBlockReader, unpadded } from "./header_block.ts";
import { HpackDecoder, HpackError } from "./hpack_decoder.ts";
import { excessive, ProtocolError, violation, wrongSize } from "./protocol_error.ts";
import { Stream, type StreamRequest } from "./stream.ts";

interface Http2SessionOptions {
  /** Host and port. */
  readonly authority: string;
  /** The most concurrent streams, if the server allows more. */
  readonly maxStreams: number;
}

const HEADER_TABLE_BYTES = 4096;
const MAX_HEADERS_BYTES = 64 * 1024;
/** The most output that may wait. Requests alone stay far below it. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** The protocol state of one connection. */
export class Http2Session {
  /** Outgoing frames; the owner of the connection takes them from here. */
  readonly output = new FrameWriter();
  readonly #authority: string;
  readonly #maxStreams: number;
  readonly #streams = new Map<number, Stream>();
  readonly #blocks = new HeaderBlockReader();
  readonly #hpack = new HpackDecoder({
    maxTableSize: HEADER_TABLE_BYTES,
    maxListSize: MAX_HEADERS_BYTES,
  });
  readonly #peer = new PeerSettings();
  readonly #flow = new FlowControl(this.output, this.#peer);
  #nextId = 1;
  #isReady = false;
  #isDraining = false;
  /** The failure of unanswered requests after a GOAWAY. */
  #goaway: HttpFailure | undefined;

  constructor({ authority, maxStreams }: Http2SessionOptions) {
    this.#authority = authority;
    this.#maxStreams = maxStreams;
    this.output.preface();
    this.output.settings([
      [SETTING.HEADER_TABLE_SIZE, HEADER_TABLE_BYTES],
      [SETTING.ENABLE_PUSH, 0],
      [SETTING.MAX_HEADER_LIST_SIZE, MAX_HEADERS_BYTES],
    ]);
    this.#flow.announce();
  }

  /** Whether the server's SETTINGS have arrived; no request is sent before. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether no further request may be sent: after a GOAWAY, or when stream ids run out. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** How many requests it can take now. */
  get free(): number {
    if (!this.#isReady || this.#isDraining) return 0;
    return Math.max(0, Math.min(this.#maxStreams, this.#peer.maxStreams) - this.#streams.size);
  }

  /** Requests in flight, oldest first. */
  get streams(): ReadonlyMap<number, Stream> {
    return this.#streams;
  }

  /**
   * Sends a request. Call it only where {@link free} is above 0.
   *
   * @throws {TypeError} for a header that cannot be sent.
   */
  request(request: StreamRequest): Stream {
    const id = this.#nextId;
    const { path, headers, commonHeaders, body } = request;
    const more = { contentLength: body.length, headers, commonHeaders };
    const head = { authority: this.#authority, path, ...more };
    this.output.request(id, head, this.#peer.frameSize);
    this.#nextId += 2;
    if (this.#nextId > MAX_STREAM_ID) this.#isDraining = true;
    const stream = new Stream({ id, request, window: this.#peer.window });
    this.#streams.set(id, stream);
    this.#flow.send(stream, body);
    return stream;
  }

  /** Cancels a request and resets its stream. */
  cancel(stream: Stream, failure: HttpFailure): void {
    this.#reset(stream, ERROR.CANCEL);
    stream.request.done(failure);
  }

  /** Sends a PING to check the connection. */
  ping(): void {
    this.output.frame({ type: FRAME.PING, flags: 0, stream: 0, payload: PING_PAYLOAD });
  }

  /** Sends a GOAWAY; no further request may follow. */
  sendGoaway(code: number = ERROR.NO_ERROR): void {
    this.#isDraining = true;
    this.output.numbers(FRAME.GOAWAY, 0, [0, code]);
  }

  /** Ends all requests in flight, because the connection has ended. */
  end(failure: HttpFailure): void {
    this.#isDraining = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) {
      this.#flow.forget(stream);
      stream.request.done(this.#goaway ?? failure);
    }
  }

  /**
   * Takes one received frame.
   *
   * @throws {ProtocolError} where the connection must end: call {@link sendGoaway} with its code.
   */
  receive(frame: Frame): void {
    try {
      this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ProtocolError(ERROR.COMPRESSION_ERROR, error.message);
    }
    if (this.output.length > MAX_OUTPUT_BYTES) {
      throw excessive("the peer sends requests and does not read the answers");
    }
  }

  #dispatch(frame: Frame): void {
    const { type, stream, payload } = frame;
    if (this.#blocks.isIncomplete && type !== FRAME.CONTINUATION) {
      throw violation("a header block is incomplete");
    }
    if (!this.#isReady && type !== FRAME.SETTINGS) {
      throw violation("the first frame is not SETTINGS");
    }
    switch (type) {
      case FRAME.DATA:
        return this.#onData(frame);
      case FRAME.HEADERS:
        this.#checkOpened(stream);
        return this.#onBlock(this.#blocks.begin(frame));
      case FRAME.CONTINUATION:
        return this.#onBlock(this.#blocks.continue(frame));
      case FRAME.RST_STREAM:
        this.#checkOpened(stream);
        return this.#onReset(stream, numberIn(payload));
      case FRAME.WINDOW_UPDATE:
        return this.#onWindowUpdate(stream, numberIn(payload) & MAX_WINDOW);
      case FRAME.SETTINGS:
      case FRAME.PING:
      case FRAME.GOAWAY:
        if (stream !== 0) throw violation("a connection frame on a stream");
        if (type === FRAME.SETTINGS) return this.#onSettings(frame);
        return type === FRAME.PING ? this.#onPing(frame) : this.#onGoaway(payload);
      case FRAME.PUSH_PROMISE:
        throw violation("server push was not allowed");
    }
    // Ignores PRIORITY and unknown types.
  }

  /** Checks that this side has opened the stream. */
  #checkOpened(id: number): void {
    if (id % 2 === 0 || id >= this.#nextId) {
      throw violation("a frame on a stream that was never opened");
    }
  }

  #onBlock(block: HeaderBlock | undefined): void {
    if (!block) return;
    const { endStream: end, bytes } = block;
    // The blocks of cancelled streams update the table, too.
    const entries = this.#hpack.decode(bytes);
    const stream = this.#streams.get(block.stream);
    if (!stream) return;
    // A second block contains trailers.
    if (!stream.isAnswered && !stream.answer(entries, { end })) return this.#malformed(stream);
    if (end) this.#finish(stream);
  }

  #onData(frame: Frame): void {
    this.#checkOpened(frame.stream);
    this.#flow.received(frame.payload.length);
    const stream = this.#streams.get(frame.stream);
    if (!stream) return;
    if (!stream.isAnswered) return this.#malformed(stream);
    stream.receive(unpadded(frame));
    if ((frame.flags & FLAG.END_STREAM) !== 0) this.#finish(stream);
    else if (stream.isOverlong) this.#finish(stream, { cut: true });
  }

  #onReset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    this.#forget(stream);
    stream.request.done(code === ERROR.REFUSED_STREAM ? REFUSED : BROKEN);
  }

  #onSettings({ flags, payload }: Frame): void {
    if ((flags & FLAG.ACK) !== 0) {
      if (payload.length !== 0) throw wrongSize("SETTINGS");
      return;
    }
    this.#flow.changeStreamWindows(this.#streams.values(), this.#peer.apply(payload));
    this.#isReady = true;
    this.output.frame(SETTINGS_ACK);
    this.#flow.continueBlocked();
  }

  #onPing({ flags, payload }: Frame): void {
    if (payload.length !== 8) throw wrongSize("PING");
    if ((flags & FLAG.ACK) !== 0) return;
    this.output.frame({ type: FRAME.PING, flags: FLAG.ACK, stream: 0, payload });
  }

  #onGoaway(payload: Uint8Array): void {
    if (payload.length < 8) throw wrongSize("GOAWAY");
    this.#isDraining = true;
    const lastStream = readUint32(payload, 0) & MAX_STREAM_ID;
    const debugData = payload.subarray(8);
    this.#goaway = goawayFrameFailure(debugData, { sent: "unknown" });
    const unprocessed = goawayFrameFailure(debugData, { sent: "no" });
    for (const stream of [...this.#streams.values()]) {
      if (stream.id <= lastStream) continue;
      this.#forget(stream);
      stream.request.done(unprocessed);
    }
  }

  #onWindowUpdate(id: number, increment: number): void {
    if (id === 0) {
      return this.#flow.growWindow(increment);
    }
    this.#checkOpened(id);
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (!this.#flow.growStreamWindow(stream, increment)) this.#malformed(stream);
  }

  #finish(stream: Stream, { cut = false } = {}): void {
    // The server may answer before it has read the whole body; cancel the rest.
    if (cut || stream.unsent) this.#reset(stream, ERROR.CANCEL);
    else this.#streams.delete(stream.id);
    stream.request.done(stream.reply());
  }

  /** A malformed answer ends its stream, not the connection (RFC 9113 §8.1.1). */
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
    this.#flow.forget(stream);
  }
}

const SETTINGS_ACK: Frame = {
  type: FRAME.SETTINGS,
  flags: FLAG.ACK,
  stream: 0,
  payload: new Uint8Array(),
};
const PING_PAYLOAD = new TextEncoder().encode("carillon");

function numberIn(payload: Uint8Array): number {
  if (payload.length !== 4) throw wrongSize("a number");
  return readUint32(payload, 0);
}
