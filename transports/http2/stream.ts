/** One request on a connection and the part of its answer that has arrived. */

import { Buffer } from "node:buffer";
import type { HeaderFields, HttpReply, HttpResult } from "../http/mod.ts";

/** Header names and values in order, names in lower case. */
class HeaderList {
  readonly #entries: readonly string[];

  /** `entries`: name, value, name, value, … */
  constructor(entries: readonly string[]) {
    this.#entries = entries;
  }

  /** Returns the first value of a header. */
  get(name: string): string | null {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 2) {
      if (entries[at] === name) return entries[at + 1]!;
    }
    return null;
  }
}

/** A request of a session. */
export interface StreamRequest {
  readonly path: string;
  readonly headers: HeaderFields;
  readonly commonHeaders?: HeaderFields | undefined;
  readonly body: Uint8Array;
  /** Whether to drop the body of a 2xx answer. */
  readonly ignoreSuccessBody: boolean;
  /** Called once. */
  readonly done: (result: HttpResult) => void;
}

/** Providers answer with a few hundred bytes; a proxy's error page may have any size. */
const MAX_BODY_BYTES = 8 * 1024;
const NO_HEADERS = new HeaderList([]);
const decoder = new TextDecoder();

/** One request in flight. */
export class Stream {
  readonly id: number;
  readonly request: StreamRequest;
  /** Bytes of data that the peer accepts now. May be negative. */
  window: number;
  /** The part of the body that is not sent yet. */
  unsent: Uint8Array | undefined;
  /** 0 until the answer begins. */
  #status = 0;
  #headers = NO_HEADERS;
  readonly #chunks: Uint8Array[] = [];
  #received = 0;

  constructor(
    { id, request, window }: {
      readonly id: number;
      readonly request: StreamRequest;
      readonly window: number;
    },
  ) {
    this.id = id;
    this.request = request;
    this.window = window;
  }

  get isAnswered(): boolean {
    return this.#status !== 0;
  }

  /** Whether the answer is longer than what is kept. */
  get isOverlong(): boolean {
    return this.#received > MAX_BODY_BYTES;
  }

  /**
   * Takes the headers of an answer. Interim answers (1xx) change nothing.
   *
   * @returns false where they are not an answer's headers.
   */
  answer(entries: readonly string[], { end }: { readonly end: boolean }): boolean {
    const status = entries[0] === ":status" ? Number(entries[1]) : NaN;
    if (!(status >= 100 && status <= 999)) return false;
    if (status < 200) return !end;
    this.#status = status;
    this.#headers = new HeaderList(entries);
    return true;
  }

  /** Takes a part of the body and copies what it keeps. */
  receive(data: Uint8Array): void {
    if (!(this.request.ignoreSuccessBody && this.#status < 300)) {
      const room = MAX_BODY_BYTES - this.#received;
      if (room > 0 && data.length > 0) this.#chunks.push(data.slice(0, room));
    }
    this.#received += data.length;
  }

  /** Returns the answer received so far. */
  reply(): HttpReply {
    const chunks = this.#chunks;
    const text = chunks.length === 0
      ? ""
      : decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    return { kind: "reply", status: this.#status, headers: this.#headers, text };
  }
}
