/** Stock clients of both generations that record what they receive, and reconnect by themselves. */

import { io } from "socket.io-client";
import io2 from "socket.io-client-2";

/** How a client differs from user 7 of context 1 on a WebSocket. */
export interface Options {
  readonly transports?: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
}

/** A stock client that records the numbers it receives, and what happens to it. */
export interface Listener extends Disposable {
  readonly heard: readonly number[];
  /** Of each connection: whether the client considers itself recovered. */
  readonly connections: readonly boolean[];
  readonly resyncs: readonly (readonly unknown[])[];
  /** Closes the client's engine as if the network had gone. */
  drop(): void;
}

/** Opens a client at `host`. */
export function listen(generation: 2 | 4, host: string, options: Options = {}): Listener {
  const open = generation === 4 ? io : io2 as unknown as typeof io;
  const socket = open(`http://${host}`, {
    ...{ path: "/socket.io/appsuite", forceNew: true, reconnectionDelay: 10 },
    // A request on a connection that is being cut may hang; a client gives it up after this time.
    ...{
      reconnectionDelayMax: 100,
      timeout: 1000,
      transports: [...options.transports ?? ["websocket"]],
    },
    query: { session: "7@1", ...options.query },
  });
  const heard: number[] = [];
  const connections: boolean[] = [];
  const resyncs: unknown[][] = [];
  socket.on("x", (n: number) => void heard.push(n));
  socket.on("connect", () => void connections.push(socket.recovered));
  socket.on("resync", (...args: unknown[]) => void resyncs.push(args));
  return {
    ...{ heard, connections, resyncs },
    drop: () => void socket.io.engine.close(),
    [Symbol.dispose]: () => void socket.close(),
  };
}
