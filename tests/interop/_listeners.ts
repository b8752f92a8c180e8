/** Clients of every protocol that record what they receive, and reconnect by themselves. */

import { EventSource } from "eventsource";
import { io } from "socket.io-client";
import io2 from "socket.io-client-2";
import { stream } from "../../clients/js/src/mod.ts";

/** A stock client of Socket.IO by its version, or a client without Socket.IO. */
export type Kind = 2 | 4 | "EventSource" | "a plain WebSocket" | "the JavaScript client";

/** Those that say how far they got when they reconnect, and so receive each event once. */
export const EXACT: readonly Kind[] = [
  4,
  "EventSource",
  "a plain WebSocket",
  "the JavaScript client",
];
export const KINDS: readonly Kind[] = [2, ...EXACT];

/** The name of a kind within the name of a test. */
export function nameOf(kind: Kind): string {
  return typeof kind === "number" ? `socket.io-client ${kind}` : kind;
}

/** How a client differs from user 7 of context 1 on a WebSocket. */
export interface Options {
  readonly transports?: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

/** A client that records the numbers it receives, and what happens to it. */
export interface Listener extends Disposable {
  readonly heard: readonly number[];
  /** Of each connection: whether the client considers itself recovered. */
  readonly connections: readonly boolean[];
  readonly resyncs: readonly (readonly unknown[])[];
  /** Closes the client's engine as if the network had gone. */
  drop(): void;
}

type Query = Readonly<Record<string, string>>;

interface Notes {
  readonly heard: number[];
  readonly connections: boolean[];
  readonly resyncs: unknown[][];
}

const SESSION = "7@1";

/** Opens a client at `host`. */
export function listen(kind: Kind, host: string, options: Options = {}): Listener {
  return listenAt(kind, host, { ...options, query: { session: SESSION, ...options.query } });
}

/** Opens a client for a session of the query. */
export function listenAt(
  kind: Kind,
  host: string,
  { query, transports = ["websocket"] }: {
    readonly query: Query;
    readonly transports?: readonly string[] | undefined;
  },
): Listener {
  const notes: Notes = { heard: [], connections: [], resyncs: [] };
  if (kind === "EventSource") return listenByEventSource(host, query, notes);
  if (kind === "a plain WebSocket") return listenByWebSocket(host, query, notes);
  if (kind === "the JavaScript client") return listenByClient(host, query, notes);
  const open = kind === 4 ? io : io2 as unknown as typeof io;
  const socket = open(`http://${host}`, {
    ...{ path: "/socket.io/appsuite", forceNew: true, reconnectionDelay: 10 },
    // A request on a connection that is being cut may hang; a client gives it up after this time.
    ...{
      reconnectionDelayMax: 100,
      timeout: 1000,
      transports: [...transports],
    },
    query,
  });
  const { heard, connections, resyncs } = notes;
  socket.on("x", (n: number) => void heard.push(n));
  socket.on("connect", () => void connections.push(socket.recovered));
  socket.on("resync", (...args: unknown[]) => void resyncs.push(args));
  return {
    ...notes,
    drop: () => void socket.io.engine.close(),
    [Symbol.dispose]: () => void socket.close(),
  };
}

/** A `fetch` whose requests can be ended as if the network had gone. */
function breakableFetch() {
  let breaking = new AbortController();
  return {
    fetch(address: string | URL | Request, init: RequestInit = {}): Promise<Response> {
      const signals = [breaking.signal, ...init.signal ? [init.signal] : []];
      return fetch(address, { ...init, signal: AbortSignal.any(signals) });
    },
    drop() {
      breaking.abort(new Error("The network is gone"));
      breaking = new AbortController();
    },
  };
}

function listenByEventSource(host: string, query: Query, notes: Notes): Listener {
  const network = breakableFetch();
  const source = new EventSource(`http://${host}/v1/stream?${new URLSearchParams(query)}`, {
    fetch: network.fetch as never,
  });
  source.addEventListener("ready", ({ data }) => {
    notes.connections.push(JSON.parse(data).recovered);
  });
  source.addEventListener("message", ({ data }) => void notes.heard.push(JSON.parse(data).data));
  source.addEventListener("resync", ({ lastEventId }) => void notes.resyncs.push([lastEventId]));
  return { ...notes, drop: network.drop, [Symbol.dispose]: () => source.close() };
}

function listenByWebSocket(host: string, query: Query, notes: Notes): Listener {
  let socket: WebSocket;
  let offset: string | undefined;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  function open() {
    const parameters = new URLSearchParams({ ...query, ...(offset !== undefined && { offset }) });
    const opened = socket = new WebSocket(`ws://${host}/v1/socket?${parameters}`);
    let isOver = false;
    function reconnect() {
      if (isOver || isClosed) return;
      isOver = true;
      timer = setTimeout(open, 20);
    }
    opened.onmessage = ({ data }) => {
      if (isOver) return;
      const message = JSON.parse(data);
      offset = message.offset ?? offset;
      if (message.type === "ready") notes.connections.push(message.recovered);
      else if (message.type === "resync") notes.resyncs.push([message.offset]);
      else if (message.type === "event") notes.heard.push(message.data);
    };
    opened.onerror = (event) => event.preventDefault();
    opened.onclose = reconnect;
    drop = () => {
      opened.close();
      // The network is gone: nobody waits for the other side's answer.
      reconnect();
    };
  }
  let drop: () => void;
  open();
  return {
    ...notes,
    drop: () => drop(),
    [Symbol.dispose]() {
      isClosed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}

function listenByClient(host: string, query: Query, notes: Notes): Listener {
  const network = breakableFetch();
  const ending = new AbortController();
  async function read() {
    const events = stream({
      ...{ url: `http://${host}`, session: () => query.session!, signal: ending.signal },
      ...(query.connection !== undefined && { connection: query.connection }),
      fetch: network.fetch,
      onState: (state) => {
        if (state.state === "open") notes.connections.push(state.recovered);
      },
    });
    for await (const event of events) {
      if (event.type === "resync") notes.resyncs.push([event.offset]);
      else notes.heard.push(event.data);
    }
  }
  void read();
  return { ...notes, drop: network.drop, [Symbol.dispose]: () => ending.abort() };
}
