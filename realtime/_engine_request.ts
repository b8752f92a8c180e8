/**
 * The little of Node's `IncomingMessage` and `ServerResponse` that the official Engine.IO code
 * touches, made from a `Request` and answered with a `Response`. Only long-polling goes through
 * both; a WebSocket handshake needs the request half alone.
 */

import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";

/** What the official code calls `req`. It is dropped as soon as the socket has been let in. */
export class EngineRequest extends EventEmitter {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connection: { readonly remoteAddress: string; readonly encrypted: boolean };
  readonly _query: Readonly<Record<string, string>>;
  res: EngineResponse | null = null;
  /** Whatever the code that admits requests wants to find again when a socket joins. */
  context: unknown;

  constructor(request: Request, url: URL, remoteAddress: string) {
    super();
    this.method = request.method;
    this.url = url.pathname + url.search;
    this.headers = pick(request.headers, [
      "origin",
      "user-agent",
      "content-type",
      "cookie",
      "x-forwarded-for",
    ]);
    this.connection = { remoteAddress, encrypted: url.protocol === "https:" };
    this._query = Object.fromEntries(url.searchParams);
  }

  /** Part of the stream interface; {@link pump} emits text or bytes as the content asks for. */
  setEncoding(): void {}

  /** The session is closing: whoever listens is told as if the connection had ended. */
  destroy(): void {
    this.emit("close");
  }
}

/** What the official code calls `res`. */
export class EngineResponse {
  readonly #answer = Promise.withResolvers<Response>();
  readonly #headers = new Headers();
  #status = 200;
  writableEnded = false;

  /** The finished response. */
  get response(): Promise<Response> {
    return this.#answer.promise;
  }

  get headersSent(): boolean {
    return this.writableEnded;
  }

  setHeader(name: string, value: string | number): this {
    this.#headers.set(name, String(value));
    return this;
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number>> = {}): this {
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
    return this;
  }

  end(body: string | Uint8Array<ArrayBuffer> | null = null): this {
    this.writableEnded = true;
    this.#answer.resolve(new Response(body, { status: this.#status, headers: this.#headers }));
    return this;
  }
}

/**
 * Feeds a request's body to the official code, which stops listening and answers 413 once it is
 * too large; no more than that is ever read.
 */
export async function pump(body: ReadableStream<Uint8Array>, into: EngineRequest): Promise<void> {
  const binary = into.headers["content-type"] === "application/octet-stream";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) {
      if (into.listenerCount("data") === 0) return;
      into.emit("data", binary ? Buffer.from(chunk) : decoder.decode(chunk, { stream: true }));
    }
    const rest = decoder.decode();
    if (rest !== "") into.emit("data", rest);
    into.emit("end");
  } catch {
    into.emit("close");
  }
}

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) picked[name] = value;
  }
  return picked;
}
