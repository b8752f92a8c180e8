/** HTTP as bytes on a connection, for requests that no client sends. */

const encoder = new TextEncoder();

/** A connection on which a test writes any bytes and reads the response. */
class RawPeer implements Disposable {
  readonly #connection: Deno.TcpConn;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  async write(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Reads until the text that has come so far says `done`, or the peer has ended. */
  async read(done: (text: string) => boolean): Promise<string> {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(4096);
    let text = "";
    while (!done(text)) {
      const length = await this.#connection.read(chunk);
      if (length === null) break;
      text += decoder.decode(chunk.subarray(0, length), { stream: true });
    }
    return text;
  }

  /** Reads one response with a Content-Length: its status, headers and body. */
  async answer(): Promise<
    { readonly status: number; readonly head: string; readonly body: string }
  > {
    const text = await this.read((text) => {
      const [head, body] = text.split("\r\n\r\n", 2);
      const length = /^content-length: (\d+)/im.exec(head!)?.[1];
      return body !== undefined && encoder.encode(body).length >= Number(length ?? 0);
    });
    const [head = "", body = ""] = text.split("\r\n\r\n", 2);
    return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body };
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Connects to a port of this machine. */
export async function connectRaw(port: number): Promise<RawPeer> {
  return new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
}
