/** The two generations of the stock client behind one face. */

import { io } from "socket.io-client";
import io2 from "socket.io-client-2";
import type { TestService } from "../support/start_service.ts";

/** What is asked of both. */
export const GENERATIONS = ["socket.io-client 2", "socket.io-client 4"] as const;

/** See {@link GENERATIONS}. */
export type Generation = typeof GENERATIONS[number];

/** A closed client leaves timers of its own behind for a while. */
export const LINGERING = { sanitizeOps: false };

/** Options that both generations know. */
export interface StockOptions {
  readonly transports: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  readonly extraHeaders?: Readonly<Record<string, string>>;
}

interface Emitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  once(event: string, listener: (...args: unknown[]) => void): unknown;
}

interface Socket extends Emitter {
  readonly connected: boolean;
  readonly recovered?: boolean;
  readonly io: {
    readonly engine: Emitter & { readonly transport: { readonly name: string }; close(): void };
  };
  close(): unknown;
}

/** A client that is connected. */
export interface StockClient extends AsyncDisposable, Emitter {
  readonly connected: boolean;
  /** `polling` or `websocket`. */
  readonly transport: string;
  readonly engine: Emitter;
  /** Whether it takes itself for recovered; older ones do not say. */
  readonly recovered: boolean | undefined;
  /** Loses its connection, and comes back by itself. */
  drop(): void;
}

/** Opens a client; rejects where it is refused. */
export async function connect(
  generation: Generation,
  service: TestService,
  { transports, query, extraHeaders = {} }: StockOptions,
): Promise<StockClient> {
  const open = generation === "socket.io-client 4" ? io : io2 as unknown as typeof io;
  const socket = open(service.address, {
    ...{ path: "/socket.io/appsuite", forceNew: true, reconnectionDelay: 20 },
    ...{ transports: [...transports], query, extraHeaders },
    ...(generation === "socket.io-client 2" && {
      transportOptions: { polling: { extraHeaders } },
    }),
  }) as unknown as Socket;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("connect", () => resolve());
  for (const failure of ["connect_error", "error"]) {
    socket.once(
      failure,
      (thrown) => reject(thrown instanceof Error ? thrown : new Error(`${thrown}`)),
    );
  }
  try {
    await promise;
  } catch (thrown) {
    socket.close();
    throw thrown;
  }
  return {
    on: (event, listener) => socket.on(event, listener),
    once: (event, listener) => socket.once(event, listener),
    get connected() {
      return socket.connected;
    },
    get transport() {
      return socket.io.engine.transport.name;
    },
    get engine() {
      return socket.io.engine;
    },
    get recovered() {
      return socket.recovered;
    },
    drop: () => socket.io.engine.close(),
    [Symbol.asyncDispose]: () => {
      socket.close();
      return Promise.resolve();
    },
  };
}

/** The arguments of the next event of this name, without the offset that newer clients get. */
export function nextEvent(client: Emitter, name: string): Promise<readonly unknown[]> {
  return new Promise((resolve) =>
    client.once(name, (...args) => {
      const last = args.at(-1);
      const isOffset = typeof last === "string" && /^\d{16}$/.test(last);
      resolve(isOffset ? args.slice(0, -1) : args);
    })
  );
}

/** Resolves when a client that began with polling has upgraded. */
export async function upgraded(client: StockClient): Promise<void> {
  if (client.transport !== "websocket") await nextEvent(client.engine, "upgrade");
}
