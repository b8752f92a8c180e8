/**
 * The server of every fake provider: HTTP/2 and optionally HTTP/1.1 over TLS, with client
 * certificates, stream limits, GOAWAY and broken connections. It knows no provider's rules.
 *
 * It uses `node:http2` instead of `Deno.serve`, which shows neither certificates nor connections.
 */

import { Buffer } from "node:buffer";
import { createSecureServer } from "node:http2";
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../core/clock.ts";
import type { FakeConnection, ProviderAnswer, ProviderHandler } from "./exchange.ts";

interface TlsServerOptions {
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM of the authority of valid client certificates. */
  readonly clientCa: string;
  /** Whether to speak HTTP/1.1, too; APNs refuses it during the handshake. */
  readonly http1: boolean;
  /** Streams that a connection may open before {@link FakeConnection.limitStreams} is called. */
  readonly streams: number;
  readonly clock: Clock;
  /** Milliseconds before every answer; read each time. */
  readonly latencyMs: () => number;
  readonly handle: ProviderHandler;
}

interface TlsServer extends AsyncDisposable {
  readonly port: number;
}

/** How to answer one request, over either protocol. */
interface Reply {
  readonly isOver: () => boolean;
  readonly send: (answer: ProviderAnswer & { readonly kind: "reply" }) => void;
  readonly reset: () => void;
  readonly goAway: (debugData: string) => void;
}

/** No provider takes more; the rest of a larger body is read and dropped. */
const MAX_BODY_BYTES = 64 * 1024;

/** Error codes of RFC 9113 §7. */
const NO_ERROR = 0;
const REFUSED_STREAM = 7;

/** Starts listening. Disposing the server breaks every connection. */
export async function startTlsServer(options: TlsServerOptions): Promise<TlsServer> {
  const { clock, handle, latencyMs } = options;
  const server = createSecureServer({
    cert: options.cert,
    key: options.key,
    ca: options.clientCa,
    requestCert: true,
    // The provider decides whether a certificate is needed and what an invalid one leads to.
    rejectUnauthorized: false,
    allowHTTP1: options.http1,
    settings: { maxConcurrentStreams: options.streams },
  });
  const sockets = new Set<TLSSocket>();
  const connections = new WeakMap<object, FakeConnection>();

  function connectionOf(session: Http2Session): FakeConnection {
    return connections.getOrInsertComputed(
      session,
      () =>
        describe(session.socket as TLSSocket, (count) =>
          setImmediate(() => {
            if (!session.destroyed) session.settings({ maxConcurrentStreams: count });
          })),
    );
  }

  async function answer(request: Parameters<ProviderHandler>[0], reply: Reply) {
    const given = handle(request);
    const answered = given instanceof Promise ? await given : given;
    const delay = latencyMs() + (answered.kind === "reply" ? answered.latencyMs ?? 0 : 0);
    const finish = () => setImmediate(writeAnswer, answered, reply);
    if (delay > 0) clock.after(delay, finish);
    else finish();
  }

  server.on("stream", (given, headers, _flags, ...rest: unknown[]) => {
    const stream = given as ServerHttp2Stream;
    const raw = Array.isArray(rest[0]) ? rest[0] as string[] : [];
    collect(stream, (body) => {
      const session = stream.session;
      if (session === undefined) return;
      const request = describeRequest(headers, raw);
      answer({ ...request, body, connection: connectionOf(session) }, {
        isOver: () => stream.destroyed || stream.closed,
        send({ status, headers, body }) {
          stream.respond({ ":status": status, ...headers }, { endStream: body === undefined });
          if (body !== undefined) stream.end(body);
        },
        reset: () => rawSocket(sockets, session)?.destroy(),
        goAway(debugData) {
          session.goaway(NO_ERROR, 0, new TextEncoder().encode(debugData));
          stream.close(REFUSED_STREAM);
          session.close();
        },
      });
    });
  });
  if (options.http1) {
    server.on("request", (request: unknown, response: unknown) => {
      const [incoming, outgoing] = [request as IncomingMessage, response as ServerResponse];
      if (incoming.httpVersionMajor !== 1) return;
      const socket = incoming.socket as TLSSocket;
      const connection = connections.getOrInsertComputed(socket, () => describe(socket, () => {}));
      collect(incoming, (body) => {
        const described = describeRequest({
          ...incoming.headers,
          ":method": incoming.method ?? "GET",
          ":path": incoming.url ?? "/",
        }, incoming.rawHeaders);
        answer({ ...described, body, connection }, {
          isOver: () => outgoing.destroyed,
          send({ status, headers, body }) {
            outgoing.writeHead(status, { ...headers });
            outgoing.end(body);
          },
          reset: () => socket.destroy(),
          goAway: () => socket.destroy(),
        });
      });
    });
  }
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    session.on("error", ignore);
    endInNextIteration(session);
  });
  server.on("sessionError", ignore);
  server.on("tlsClientError", ignore);

  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(options.port, options.hostname, listening.resolve);
  await listening.promise;
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/**
 * Call it from an event loop iteration of its own: frames written while others are being read
 * corrupt the memory of Deno's HTTP/2 sessions (2.9.6).
 */
function writeAnswer(answer: ProviderAnswer, reply: Reply) {
  if (reply.isOver() || answer.kind === "hang") return;
  if (answer.kind === "reset") reply.reset();
  else if (answer.kind === "goaway") reply.goAway(answer.debugData);
  else reply.send(answer);
}

/**
 * Deno ends a session while it reads the client's GOAWAY, and that writes a frame: see
 * {@link writeAnswer}. Under load the process would abort when a client closes gracefully.
 */
function endInNextIteration(session: Http2Session) {
  const close = session.close.bind(session);
  const destroy = session.destroy.bind(session);
  session.close = (done) =>
    void setImmediate(() => session.closed || session.destroyed ? done?.() : close(done));
  session.destroy = (error, code) =>
    void setImmediate(() => session.destroyed || destroy(error, code));
}

function collect(
  stream: ServerHttp2Stream | IncomingMessage,
  done: (body: Uint8Array<ArrayBuffer> | undefined) => void,
) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  stream.on("error", ignore);
  stream.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  });
  stream.on("end", () => {
    done(size > MAX_BODY_BYTES ? undefined : new Uint8Array(Buffer.concat(chunks)));
  });
}

function describe(socket: TLSSocket, limitStreams: (count: number) => void): FakeConnection {
  const certificate = socket.getPeerX509Certificate()?.raw;
  return {
    certificateTrusted: socket.authorized,
    limitStreams,
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function describeRequest(headers: IncomingHttpHeaders, raw: readonly string[]) {
  const target = String(headers[":path"] ?? "/");
  const mark = target.indexOf("?");
  const seen = new Set<string>();
  const repeated: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (seen.has(name)) repeated.push(name);
    seen.add(name);
  }
  return {
    method: String(headers[":method"] ?? "GET"),
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark)),
    // Only `set-cookie`, which no client sends, comes as an array.
    headers: headers as Readonly<Record<string, string | undefined>>,
    repeated,
  };
}

/** An HTTP/2 session hides its socket's `destroy`; the peer's port identifies the socket. */
function rawSocket(sockets: ReadonlySet<TLSSocket>, session: Http2Session) {
  const port = session.socket.remotePort;
  for (const socket of sockets) if (socket.remotePort === port) return socket;
}

function ignore() {
  // A client that disconnects is normal for a fake.
}
