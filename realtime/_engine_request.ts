/**
 * The few members of Node's `IncomingMessage` and `ServerResponse` that the official Engine.IO code
 * uses, on top of a `Request` and a `Response`. Long-polling needs both; a WebSocket handshake
 * needs the request only.
 */

import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";

/** What the official code calls `req`. The socket drops it once it is admitted. */
export class EngineRequest extends EventEmitter {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connection: { readonly remoteAddress: string; readonly encrypted: boolean };
  readonly _query: Readonly<Record<string, string>>;
  res: EngineResponse | null = null;
  /** Data that the handshake guard leaves for the socket that this request opens. */
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

  /** Part of the stream interface; {@link pump} emits text or bytes by the content type. */
  setEncoding(): void {}

  /** The session is closing: listeners see the connection end. */
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

  /** Resolves to the finished response. */
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
 * Feeds the body of a request to the official code. That stops listening and answers 413 where the
 * body is too large, after which no more is read.
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
