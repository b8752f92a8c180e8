/** HTTP/2 servers of the tests, run in-process: a well-behaved one, and one that writes raw frames. */

import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "../../support/certificate.ts";

/** A listening server. */
export interface TestServer extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly origin: string;
}

/** Starts an HTTP/2 server whose streams a test answers. */
export async function startH2Server(
  options: http2.SecureServerOptions,
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
): Promise<TestServer & { readonly sessions: () => number }> {
  const server = http2.createSecureServer(options);
  const open = new Set<http2.ServerHttp2Session>();
  let sessions = 0;
  // What clients break on purpose is not this server's failure.
  for (const event of ["error", "sessionError", "tlsClientError"]) server.on(event, () => {});
  server.on("session", (session) => {
    sessions++;
    open.add(session);
    session.on("error", () => {});
    session.on("close", () => open.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    // The declarations of Node.js name the general kind of stream here.
    onStream(stream as http2.ServerHttp2Stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    sessions: () => sessions,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of open) session.destroy();
      await closed;
    },
  };
}

/** What a raw server does with a connection, once the first request has arrived. */
export type RawBehaviour = (connection: Deno.TlsConn) => Promise<void> | void;

/** Starts a TLS server that sends its SETTINGS, waits for a request, and then runs `act`. */
export function startRawServer(
  { key, cert }: KeyPair,
  { behave, alpn = ["h2"] }: { readonly behave: RawBehaviour; readonly alpn?: string[] },
): TestServer {
  const listener = Deno.listenTls({
    port: 0,
    hostname: "127.0.0.1",
    key,
    cert,
    alpnProtocols: alpn,
  });
  const open = new Set<Deno.TlsConn>();
  const done = serve();
  return {
    origin: `https://localhost:${(listener.addr as Deno.NetAddr).port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await done;
    },
  };

  async function serve() {
    const running: Promise<void>[] = [];
    try {
      for await (const connection of listener) {
        open.add(connection);
        running.push(converse(connection).catch(() => {}));
      }
    } catch { /* the listener was closed */ }
    await Promise.all(running);
  }

  async function converse(connection: Deno.TlsConn) {
    await connection.handshake();
    await connection.write(frame(4, 0, new Uint8Array()));
    await readRequest(connection);
    await behave(connection);
  }
}

/** A GOAWAY frame with debug data (RFC 9113 §6.8). */
export function goaway(
  { code, lastStream, debug }: { code: number; lastStream: number; debug: string },
): Uint8Array {
  const text = new TextEncoder().encode(debug);
  const payload = new Uint8Array(8 + text.length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, lastStream);
  view.setUint32(4, code);
  payload.set(text, 8);
  return frame(7, 0, payload);
}

/** Closes a connection that may be closed already. */
export function close(connection: Deno.TlsConn): void {
  try {
    connection.close();
  } catch { /* closed already */ }
}

/** Reads until a HEADERS frame (type 1) has come. */
async function readRequest(connection: Deno.TlsConn): Promise<void> {
  const preface = 24;
  const buffer = new Uint8Array(64 * 1024);
  let filled = 0;
  for (;;) {
    filled += await connection.read(buffer.subarray(filled)) ?? 0;
    for (let at = preface; at + 9 <= filled;) {
      if (buffer[at + 3] === 1) return;
      at += 9 + ((buffer[at]! << 16) | (buffer[at + 1]! << 8) | buffer[at + 2]!);
    }
  }
}

function frame(type: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  bytes[0] = payload.length >> 16;
  bytes[1] = payload.length >> 8;
  bytes[2] = payload.length;
  bytes[3] = type;
  new DataView(bytes.buffer).setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}
