/**
 * A minimal Socket.IO client: Engine.IO 3 and Socket.IO on a WebSocket, at the original's path.
 * `tests/interop` tests with the stock clients.
 */

import { until } from "./until.ts";

/** A received event: its name and its arguments. */
type Event = readonly unknown[];

/** The address and the user of a socket. */
interface ListenOptions {
  readonly session: string;
  readonly connection?: string;
  /** @default {"/socket.io/appsuite/"} */
  readonly path?: string;
}

/** An open socket and what arrived at it. */
export class Listener implements Disposable {
  readonly events: Event[] = [];
  /** The frames that they came in. */
  readonly frames: string[] = [];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, onOpen: () => void) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.closed = promise;
    socket.onclose = ({ code }) => resolve(code);
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => {
      if (data === "40") onOpen();
      else if (String(data).startsWith("42")) {
        this.frames.push(data);
        this.events.push(JSON.parse(data.slice(2)));
      }
    };
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Waits for a number of events; returns all events so far. */
  async received(count: number): Promise<readonly Event[]> {
    await until(`${count} events`, () => this.events.length >= count);
    return this.events;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a socket; resolves when it is in the namespace, so that the next event reaches it.
 *
 * @throws {Error} where it is closed before.
 */
export async function listen(host: string, options: ListenOptions): Promise<Listener> {
  const { session, connection, path = "/socket.io/appsuite/" } = options;
  const query = new URLSearchParams({ session, EIO: "3", transport: "websocket" });
  if (connection !== undefined) query.set("connection", connection);
  const { promise, resolve } = Promise.withResolvers<void>();
  const listener = new Listener(new WebSocket(`ws://${host}${path}?${query}`), resolve);
  const code = await Promise.race([promise, listener.closed]);
  if (code !== undefined) throw new Error(`Closed before it was open: ${code}`);
  return listener;
}
