/**
 * A swarm of Socket.IO clients that costs very little: it reads WebSocket frames directly from TCP
 * connections, answers Engine.IO pings of both revisions, and counts events with their latency. It
 * runs in a separate process (see `swarm_process.ts`). It supports only what a well-behaved server
 * sends over loopback and is not a general client.
 */

/** Options of a swarm. */
export interface SwarmOptions {
  readonly hostname: string;
  readonly port: number;
  /**
   * Revision of the Engine.IO protocol; `none`: every text is an event; `json`: messages of
   * `/v1/socket`; `sse`: server-sent events of `/v1/stream`.
   */
  readonly revision: 3 | 4 | "none" | "json" | "sse";
  /** One connection for each: path and query without `EIO` and `transport`, with at least `?`. */
  readonly targets: readonly string[];
  /** Milliseconds between the heartbeats of revision 3. */
  readonly pingIntervalMs?: number;
  /** Concurrent handshakes. */
  readonly concurrency?: number;
}

/** What arrived since the last report. Latencies and times in milliseconds. */
export interface SwarmReport {
  readonly open: number;
  readonly received: number;
  /** Epoch milliseconds of the first and the last event. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** From the event's `at` field (epoch milliseconds) to its arrival; 0 where events have none. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The number of open connections. */
export interface Swarm {
  /** Resolves when `count` events have arrived since the last report. */
  received(count: number): Promise<void>;
  /** Returns what arrived and resets the counts. */
  report(): SwarmReport;
  close(): void;
}

const HEARTBEATS = {
  pong: frame("3"),
  ping: frame("2"),
  connect: frame("40"),
  webSocketPong: Uint8Array.of(0x8a, 0x80, 0, 0, 0, 0),
};
const AT = '"at":';
const READY = { json: '"type":"ready"', sse: "event: ready" };
const decoder = new TextDecoder();

/** Opens every connection; resolves when the server has admitted all to the namespace. */
export async function openSwarm(options: SwarmOptions): Promise<Swarm> {
  const { targets, revision, concurrency = 64, pingIntervalMs = 25_000 } = options;
  const connections: Deno.TcpConn[] = [];
  let open = 0;
  let count = 0;
  let firstAt = 0;
  let lastAt = 0;
  let latencies: number[] = [];
  let awaited: { readonly count: number; readonly resolve: () => void } | undefined;

  function arrived(text: string) {
    const now = performance.timeOrigin + performance.now();
    if (count === 0) firstAt = now;
    lastAt = now;
    count++;
    const start = text.indexOf(AT);
    if (start >= 0) latencies.push(now - parseFloat(text.slice(start + AT.length)));
    if (awaited && count >= awaited.count) {
      awaited.resolve();
      awaited = undefined;
    }
  }

  async function connect(target: string) {
    const connection = await Deno.connect({ hostname: options.hostname, port: options.port });
    connection.setNoDelay(true);
    connections.push(connection);
    const rest = await handshake(connection, options, target);
    const entered = Promise.withResolvers<void>();
    if (revision === "none") {
      open++;
      entered.resolve();
    }
    const onPing = () => void connection.write(HEARTBEATS.webSocketPong).catch(ignore);
    read(connection, rest, { revision, onPing }, (text) => {
      if (revision === "none") arrived(text);
      else if (revision === "json" || revision === "sse") {
        if (text.includes(READY[revision])) {
          open++;
          entered.resolve();
        } else if (text.includes('"topic":')) arrived(text);
      } else if (text.startsWith("42")) arrived(text.slice(2));
      else if (text === "2") void connection.write(HEARTBEATS.pong).catch(ignore);
      else if (text.startsWith("0")) {
        if (revision === 4) void connection.write(HEARTBEATS.connect).catch(ignore);
      } else if (text.startsWith("40")) {
        open++;
        entered.resolve();
      } else if (text.startsWith("44")) entered.reject(new Error(`Cannot connect: ${text}`));
    }).then(() => {
      open--;
      entered.reject(new Error("Cannot connect: the server has closed the connection"));
    });
    await entered.promise;
  }

  let next = 0;
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (next < targets.length) await connect(targets[next++]!);
  }));
  const heartbeat = revision === 3
    ? setInterval(() => {
      for (const connection of connections) {
        void connection.write(HEARTBEATS.ping).catch(ignore);
      }
    }, pingIntervalMs)
    : undefined;

  return {
    received(wanted) {
      if (count >= wanted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited = { count: wanted, resolve };
      return promise;
    },
    report() {
      const sorted = Float64Array.from(latencies).sort();
      const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
      const report = {
        open,
        received: count,
        firstAt,
        lastAt,
        p50: at(.5),
        p99: at(.99),
        max: at(1),
      };
      count = 0;
      latencies = [];
      return report;
    },
    close() {
      clearInterval(heartbeat);
      for (const connection of connections) closeQuietly(connection);
    },
  };
}

const UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** Upgrades a connection; returns the bytes that followed the server's response. */
async function handshake(connection: Deno.TcpConn, options: SwarmOptions, target: string) {
  const { revision } = options;
  const path = typeof revision === "string"
    ? target
    : `${target}&EIO=${options.revision}&transport=websocket`;
  await connection.write(
    new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: ${options.hostname}:${options.port}\r\n` +
        (revision === "sse" ? "" : UPGRADE) + "\r\n",
    ),
  );
  let head = new Uint8Array(0);
  const buffer = new Uint8Array(1024);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === null) throw new Error("Cannot connect: no answer to the handshake");
    head = concat(head, buffer.subarray(0, length));
    const end = decoder.decode(head).indexOf("\r\n\r\n");
    if (end < 0) continue;
    const status = decoder.decode(head.subarray(9, 12));
    if (status !== (revision === "sse" ? "200" : "101")) {
      throw new Error(`Cannot connect: the answer was ${status}`);
    }
    return head.slice(end + 4);
  }
}

/** Passes every text frame to `onText` until the connection ends. */
async function read(
  connection: Deno.TcpConn,
  rest: Uint8Array,
  { revision, onPing }: Pick<SwarmOptions, "revision"> & { readonly onPing: () => void },
  onText: (text: string) => void,
): Promise<void> {
  const buffer = new Uint8Array(2048);
  let pending = rest;
  try {
    for (;;) {
      pending = revision === "sse"
        ? takeMessages(pending, onText)
        : takeFrames(pending, onText, onPing);
      const length = await connection.read(buffer);
      if (length === null) break;
      const chunk = buffer.subarray(0, length);
      pending = pending.length === 0 ? chunk : concat(pending, chunk);
    }
  } catch {
    // A connection that was closed or reset has ended.
  }
  closeQuietly(connection);
}

/** Removes the complete frames from the front; returns a copy of the rest. */
function takeFrames(
  bytes: Uint8Array,
  onText: (text: string) => void,
  onPing: () => void,
): Uint8Array {
  let at = 0;
  while (bytes.length - at >= 2) {
    let length = bytes[at + 1]! & 127;
    let start = at + 2;
    if (length === 126) {
      if (bytes.length - at < 4) break;
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      start = at + 4;
    } else if (length === 127) throw new Error("A frame of 64 KiB or more is not expected here");
    if (bytes.length < start + length) break;
    const opcode = bytes[at]! & 15;
    if (opcode === 1) onText(decoder.decode(bytes.subarray(start, start + length)));
    else if (opcode === 9) onPing();
    else if (opcode === 8) throw new Error("The server closes the connection");
    at = start + length;
  }
  return at === bytes.length ? new Uint8Array(0) : bytes.slice(at);
}

/**
 * Removes the complete server-sent events from the front; returns a copy of the rest. The lines
 * between the chunks of the answer do no harm to a count.
 */
function takeMessages(bytes: Uint8Array, onText: (text: string) => void): Uint8Array {
  let at = 0;
  for (let end = at; end + 1 < bytes.length; end++) {
    if (bytes[end] !== 10 || bytes[end + 1] !== 10) continue;
    onText(decoder.decode(bytes.subarray(at, end)));
    at = end + 2;
  }
  return at === bytes.length ? new Uint8Array(0) : bytes.slice(at);
}

/** Creates a text frame as a client sends it, masked with zeros. */
function frame(text: string): Uint8Array {
  const body = new TextEncoder().encode(text);
  return concat(Uint8Array.of(0x81, 0x80 | body.length, 0, 0, 0, 0), body);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Already closed.
  }
}

function ignore(): void {}

/** Yields the lines of a process's input or output. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair)) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

// As a process: the options are the first line of its input; `received <count>`, `report` and
// `close` follow, and each is answered by one line of JSON.
if (import.meta.main) {
  let swarm: Swarm | undefined;
  for await (const line of lines(Deno.stdin.readable)) {
    const [command, argument] = line.split(" ");
    if (!swarm) swarm = await openSwarm(JSON.parse(line));
    else if (command === "received") await swarm.received(Number(argument));
    else if (command === "close") break;
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(swarm.report())}\n`));
  }
  swarm?.close();
  Deno.exit(0);
}
