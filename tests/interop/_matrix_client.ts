/**
 * A stock client of any version that records what it receives, and reconnects when a test says so.
 */

import { until } from "../support/until.ts";
import type { Cell, Place } from "./_stock_matrix.ts";

/** The topic that these clients subscribe to. */
export const TOPIC = "t:matrix";

/** The members of a stock client that are the same in all versions. */
interface Emitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

interface Engine extends Emitter {
  readonly readyState: string;
  readonly transport: { readonly name: string };
  close(): void;
}

interface StockSocket extends Emitter {
  readonly id: string;
  readonly connected: boolean;
  readonly recovered?: boolean;
  readonly io: { readonly engine: Engine };
  connect(): unknown;
  disconnect(): unknown;
}

type OpenSocket = (address: string, options: Readonly<Record<string, unknown>>) => StockSocket;

/** How a client identifies itself. */
export interface Introduction {
  readonly session: string;
  readonly connection: string;
  /** Whether it connects again by itself, as stock clients usually do. @default {false} */
  readonly returns?: boolean;
}

/** A client that connects when it is made, and again only when the test says so. */
export class MatrixClient implements Disposable {
  /** The arguments of every event of {@link TOPIC} that it received. */
  readonly delivered: (readonly unknown[])[] = [];
  /** The arguments of each `resync`. */
  readonly resyncs: (readonly unknown[])[] = [];
  /** How often it received `session:invalid`. */
  invalid = 0;
  /** Of each connection: whether the client considers itself recovered. */
  readonly connections: (boolean | undefined)[] = [];
  /** Why it was disconnected, each time. */
  readonly disconnects: unknown[] = [];
  /** Number of complete heartbeats. */
  heartbeats = 0;
  readonly #cell: Cell;
  readonly #socket: StockSocket;
  /** Why it was refused the last time. */
  #refusal: unknown;

  constructor({ cell, service }: Place, { returns = false, ...query }: Introduction) {
    this.#cell = cell;
    this.#socket = (cell.version.io as OpenSocket)(service.address, {
      ...{ path: "/socket.io/appsuite", forceNew: true },
      ...{ reconnection: returns, reconnectionDelay: 10, reconnectionDelayMax: 100 },
      ...{ transports: [...cell.transports], query },
    });
    this.#socket.on(TOPIC, (...args) => void this.delivered.push(args));
    this.#socket.on("resync", (...args) => void this.resyncs.push(args));
    this.#socket.on("session:invalid", () => void this.invalid++);
    this.#socket.on("disconnect", (reason) => void this.disconnects.push(reason));
    for (const refusal of ["connect_error", "error"]) {
      this.#socket.on(refusal, (why) => void (this.#refusal = why));
    }
    this.#socket.on("connect", () => {
      this.connections.push(this.#socket.recovered);
      this.#countHeartbeats();
    });
  }

  /** The `n` in the data of every event that it received. */
  get heard(): readonly number[] {
    return this.delivered.map(([data]) => (data as { readonly n: number }).n);
  }

  /** Its Socket.IO id. */
  get id(): string {
    return this.#socket.id;
  }

  get transport(): string {
    return this.#socket.io.engine.transport.name;
  }

  /** Whether its engine has nothing left to close. */
  get isClosed(): boolean {
    return this.#socket.io.engine.readyState === "closed";
  }

  /** Closes its engine as if the network had gone. */
  drop(): void {
    this.#socket.io.engine.close();
  }

  disconnect(): void {
    this.#socket.disconnect();
  }

  connect(): void {
    this.#refusal = undefined;
    this.#socket.connect();
  }

  /** Resolves when it is connected by the last of its transports; rejects if it is refused. */
  async ready(): Promise<void> {
    const last = this.#cell.transports.at(-1);
    await until("it is connected", () => {
      if (this.#refusal !== undefined) throw new Error(`It was refused: ${this.#refusal}`);
      return this.#socket.connected && this.transport === last;
    });
  }

  /** Connects; resolves if it is refused, and rejects if it is admitted. */
  async refused(): Promise<void> {
    const { length } = this.connections;
    this.connect();
    await until("it is refused", () => {
      if (this.connections.length > length) throw new Error("It was let in");
      return this.#refusal !== undefined;
    });
  }

  [Symbol.dispose](): void {
    this.#socket.disconnect();
  }

  /** In revision 3 the client pings and the server answers, in revision 4 the reverse. */
  #countHeartbeats(): void {
    const beat = this.#cell.version.revision === 3 ? "pong" : "ping";
    this.#socket.io.engine.on("packet", (packet) => {
      if ((packet as { readonly type: string }).type === beat) this.heartbeats++;
    });
  }
}

/** Opens a client for the user of a place; resolves when it has reached its last transport. */
export async function openClient(place: Place, connection = "c"): Promise<MatrixClient> {
  const { service, user } = place;
  const client = new MatrixClient(place, { session: await service.mint(user), connection });
  try {
    await client.ready();
    return client;
  } catch (thrown) {
    client[Symbol.dispose]();
    throw thrown;
  }
}
