/**
 * A user's stock client, 2.5.0 or 4.8. It reconnects by its own means, and everything that it
 * observes is recorded. Where a stock client would stay disconnected for good, that is recorded as
 * a complaint, and the test makes it reconnect.
 */

import { io } from "socket.io-client";
import io2 from "socket.io-client-2";
import { TOPICS } from "./publisher.ts";
import type { Arrival, ClientRecord } from "./run_record.ts";

/** How a client connects. */
interface ClientOptions {
  readonly name: string;
  readonly user: number;
  readonly generation: 2 | 4;
  readonly transports: readonly string[];
  /** Host and port of the server. */
  readonly address: string;
  readonly session: string;
  /** Milliseconds since the run began. */
  readonly now: () => number;
}

/** The common interface of both generations. */
interface StockSocket {
  readonly connected: boolean;
  readonly recovered?: boolean;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): unknown;
  close(): unknown;
}

/** Shorter than the 20 s after which a stock client abandons a handshake. */
const CONNECTS_WITHIN_MS = 3_000;
/** Before the test reconnects a client that would stay disconnected. */
const HELP_AFTER_MS = 200;

/** One stock client and the record of what it observes. */
export class Client {
  readonly name: string;
  readonly user: number;
  readonly #options: ClientOptions;
  readonly #socket: StockSocket;
  readonly #arrivals: Arrival[] = [];
  readonly #connected: { readonly from: number; to: number }[] = [];
  readonly #resyncs: number[] = [];
  readonly #complaints: string[] = [];
  #recovered = 0;
  #isOver = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.name = options.name;
    this.user = options.user;
    const open = options.generation === 4 ? io : io2 as unknown as typeof io;
    this.#socket = open(`http://${options.address}`, {
      ...{ path: "/socket.io/appsuite", forceNew: true, transports: [...options.transports] },
      query: { session: options.session, connection: options.name },
      ...{ timeout: CONNECTS_WITHIN_MS, reconnectionDelay: 100, reconnectionDelayMax: 1000 },
    }) as unknown as StockSocket;
    this.#watch();
  }

  get isConnected(): boolean {
    return this.#socket.connected;
  }

  /** The number of events so far. */
  get count(): number {
    return this.#arrivals.length;
  }

  /** The numbers of all notifications that it received. */
  get seen(): ReadonlySet<number> {
    return new Set(this.#arrivals.map(({ n }) => n));
  }

  /** Closes the client; returns its record. */
  end(): ClientRecord {
    const to = this.#options.now();
    this.#isOver = true;
    this.#socket.close();
    const connected = this.#connected.map((span) => span.to === Infinity ? { ...span, to } : span);
    const { name, user, generation } = this.#options;
    return {
      ...{ name, user, generation, connected },
      arrivals: this.#arrivals,
      returns: Math.max(0, connected.length - 1),
      recovered: this.#recovered,
      resyncs: this.#resyncs,
      complaints: this.#complaints,
    };
  }

  #watch(): void {
    const { now } = this.#options;
    const socket = this.#socket;
    socket.on("connect", () => {
      this.#connected.push({ from: now(), to: Infinity });
      if (socket.recovered) this.#recovered++;
    });
    socket.on("disconnect", (reason) => {
      const last = this.#connected.at(-1);
      if (last) last.to = Math.min(last.to, now());
      // After this reason a stock client does not reconnect.
      if (reason === "io server disconnect") this.#complain("disconnected by the server");
    });
    socket.on("resync", () => void this.#resyncs.push(now()));
    socket.on("session:invalid", () => this.#complain("received session:invalid"));
    // Refused in the namespace. 4.x reports failed connections by the same event, and retries
    // those.
    const refused = this.#options.generation === 4 ? "connect_error" : "error";
    socket.on(refused, (error) => {
      const isFinal = this.#options.generation === 2
        ? !isTransportError(error)
        : error instanceof Error && "data" in error;
      if (isFinal) this.#complain(`refused: ${error instanceof Error ? error.message : error}`);
    });
    for (const topic of TOPICS) socket.on(topic, (...args) => this.#take(args));
  }

  /** The offset is the last argument, also after a collapse key. */
  #take(args: readonly unknown[]): void {
    const [data] = args;
    const offset = args.at(-1);
    const { n } = data as { readonly n: number };
    const at = this.#options.now();
    this.#arrivals.push({ n, at, ...(typeof offset === "string" && { offset }) });
  }

  /** Records a complaint and reconnects. */
  #complain(text: string): void {
    if (this.#isOver) return;
    this.#complaints.push(`${text} at ${Math.round(this.#options.now())} ms`);
    setTimeout(() => {
      if (this.#isOver || this.#socket.connected) return;
      this.#socket.close();
      this.#socket.connect();
    }, HELP_AFTER_MS);
  }
}

/** Whether an error comes from the engine: only those have a type. */
function isTransportError(error: unknown): boolean {
  return error instanceof Error && "type" in error;
}
