/**
 * A user's stock client, 2.5.0 or 4.8, left to itself: it connects again by its own means, and
 * everything that it sees is written down. Where a stock client would stay away for good, that is
 * written down as a complaint, and it is made to come back.
 */

import { io } from "socket.io-client";
import io2 from "socket.io-client-2";
import { TOPICS } from "./publisher.ts";
import type { Arrival, ClientStory } from "./story.ts";

/** How a client connects. */
interface ClientOptions {
  readonly name: string;
  readonly user: number;
  readonly generation: 2 | 4;
  readonly transports: readonly string[];
  /** Host and port that it connects to. */
  readonly address: string;
  readonly session: string;
  /** Milliseconds since the run began. */
  readonly now: () => number;
}

/** What both generations have. */
interface StockSocket {
  readonly connected: boolean;
  readonly recovered?: boolean;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): unknown;
  close(): unknown;
}

/** A stock client gives up waiting for an answer to a handshake after 20 s; these wait shorter. */
const CONNECTS_WITHIN_MS = 3_000;
/** Before a client is made to come back that would have stayed away. */
const HELP_AFTER_MS = 200;

/** See the file's comment. */
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

  /** Events so far. */
  get count(): number {
    return this.#arrivals.length;
  }

  /** Numbers of all notifications that came. */
  get seen(): ReadonlySet<number> {
    return new Set(this.#arrivals.map(({ n }) => n));
  }

  /** Closes it; what it saw until then. */
  end(): ClientStory {
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
      // Upon a packet that says so, a stock client does not come back.
      if (reason === "io server disconnect") this.#complain("disconnected by the server");
    });
    socket.on("resync", () => void this.#resyncs.push(now()));
    socket.on("session:invalid", () => this.#complain("told session:invalid"));
    // Refused in the namespace; 4.x reports failures to connect by the same name, and goes on.
    const refused = this.#options.generation === 4 ? "connect_error" : "error";
    socket.on(refused, (error) => {
      const isFinal = this.#options.generation === 2
        ? !isTransportError(error)
        : error instanceof Error && "data" in error;
      if (isFinal) this.#complain(`refused: ${error instanceof Error ? error.message : error}`);
    });
    for (const topic of TOPICS) socket.on(topic, (...args) => this.#take(args));
  }

  #take([data, offset]: readonly unknown[]): void {
    const { n } = data as { readonly n: number };
    const at = this.#options.now();
    this.#arrivals.push({ n, at, ...(typeof offset === "string" && { offset }) });
  }

  /** Writes it down, and helps. */
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

/** Errors of the engine have a type; what the server says about the namespace has none. */
function isTransportError(error: unknown): boolean {
  return error instanceof Error && "type" in error;
}
