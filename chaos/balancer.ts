/**
 * A TCP balancer like those in front of real nodes. It polls `/readyz` of each node, spreads new
 * connections over the ready ones, keeps the connections of one client at one node (long-polling
 * needs that), and tries the next node where one does not accept. If none is ready it tries all, so
 * that publishers receive the nodes' own responses. It identifies clients by the loopback address
 * that they connect to; the connections of each client can be cut, dropped or delayed.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { Pipe } from "./_pipe.ts";
import type { Span } from "./run_record.ts";

const CHECK_EVERY_MS = 250;
const ANSWERS_WITHIN_MS = 1_000;
const CONNECTS_WITHIN_MS = 1_000;
/** How long a client may have no connection between two polls. */
const STICKS_FOR_MS = 500;

/** The address for publishers: each of their connections goes to the next node. */
export const PUBLISHERS_HOST = "127.0.0.1";

/** The address of a client that stays at one node for as long as it has connections. */
export function clientHost(index: number): string {
  return `127.1.${index >> 8}.${index & 255}`;
}

interface Node {
  readonly port: number;
  ready: boolean;
}

/** The state of one client: what the balancer does to it, and where its connections go. */
interface Guest {
  /** Whether its connections stay at one node. */
  readonly sticks: boolean;
  readonly pipes: Set<Pipe>;
  node: Node | undefined;
  /** When its last connection ended, by the monotonic clock. */
  leftAt: number;
  isBarred: boolean;
  isSlow: boolean;
}

/** Spreads connections over nodes. */
export class Balancer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #nodes: readonly Node[];
  readonly #guests = new Map<string, Guest>();
  readonly #over = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #noneReady: Span[] = [];
  readonly #now: () => number;
  #noneSince: number | undefined;
  #turn = 0;

  /** @param options.now milliseconds for {@link Balancer.noneReady} */
  constructor(ports: readonly number[], { now }: { readonly now: () => number }) {
    this.#now = now;
    this.#nodes = ports.map((port) => ({ port, ready: true }));
    this.#listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    this.#running = Promise.all([this.#accept(), this.#check()]);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** The spans in which no node was ready, until now. */
  get noneReady(): readonly Span[] {
    const since = this.#noneSince;
    return since === undefined
      ? this.#noneReady
      : [...this.#noneReady, { from: since, to: this.#now() }];
  }

  get readyNodes(): number {
    return this.#nodes.filter(({ ready }) => ready).length;
  }

  /**
   * Closes a client's connections, like a network failure, and refuses new ones until it is
   * admitted again.
   */
  cut(host: string): void {
    const guest = this.#guest(host);
    guest.isBarred = true;
    for (const pipe of guest.pipes) pipe.cut();
    guest.node = undefined;
  }

  /** Drops a client's connections so that the node does not notice: what it sends is lost. */
  lose(host: string): void {
    const guest = this.#guest(host);
    guest.isBarred = true;
    for (const pipe of guest.pipes) pipe.lose();
    guest.node = undefined;
  }

  letIn(host: string): void {
    this.#guest(host).isBarred = false;
  }

  /** Stops or resumes reading for this client from the nodes. */
  slow(host: string, isSlow: boolean): void {
    const guest = this.#guest(host);
    guest.isSlow = isSlow;
    for (const pipe of guest.pipes) pipe.hold(isSlow);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#listener.close();
    const pipes = [...this.#guests.values()].flatMap((guest) => [...guest.pipes]);
    for (const pipe of pipes) pipe.cut();
    await Promise.all(pipes.map(({ ended }) => ended));
    await this.#running;
  }

  #guest(host: string): Guest {
    let guest = this.#guests.get(host);
    if (!guest) {
      guest = {
        sticks: host !== PUBLISHERS_HOST,
        pipes: new Set(),
        node: undefined,
        leftAt: 0,
        isBarred: false,
        isSlow: false,
      };
      this.#guests.set(host, guest);
    }
    return guest;
  }

  async #accept(): Promise<void> {
    for (;;) {
      try {
        const connection = await this.#listener.accept();
        void this.#serve(connection);
      } catch (thrown) {
        if (this.#over.signal.aborted) return;
        // A client that has disconnected does not affect the others.
        if (!(thrown instanceof Deno.errors.ConnectionReset)) throw thrown;
      }
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const guest = this.#guest(connection.localAddr.hostname);
    const upstream = guest.isBarred ? undefined : await this.#connect(guest);
    if (!upstream || guest.isBarred || this.#over.signal.aborted) {
      upstream?.close();
      return connection.close();
    }
    const pipe = new Pipe(connection, upstream);
    pipe.hold(guest.isSlow);
    guest.pipes.add(pipe);
    await pipe.ended;
    guest.pipes.delete(pipe);
    guest.leftAt = performance.now();
  }

  /**
   * Connects to the client's node where it has one, otherwise to the next ready node that accepts.
   */
  async #connect(guest: Guest): Promise<Deno.TcpConn | undefined> {
    const sticks = guest.sticks &&
      (guest.pipes.size > 0 || performance.now() - guest.leftAt < STICKS_FOR_MS);
    const turn = this.#turn++;
    const inTurn = this.#nodes.map((_, at) => this.#nodes[(turn + at) % this.#nodes.length]!);
    const ready = inTurn.filter((node) => node.ready);
    const candidates = ready.length > 0 ? ready : inTurn;
    const own = sticks && candidates.find((node) => node === guest.node);
    for (const node of own ? [own, ...candidates.filter((one) => one !== own)] : candidates) {
      try {
        const connection = await Deno.connect({
          ...{ hostname: "127.0.0.1", port: node.port },
          signal: AbortSignal.timeout(CONNECTS_WITHIN_MS),
        });
        guest.node = node;
        return connection;
      } catch {
        node.ready = false;
        this.#noteReadiness();
      }
    }
  }

  async #check(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await Promise.all(this.#nodes.map(async (node) => {
        node.ready = await isReady(node.port, signal);
      }));
      this.#noteReadiness();
      await sleep(CHECK_EVERY_MS);
    }
  }

  #noteReadiness(): void {
    const anyIsReady = this.#nodes.some(({ ready }) => ready);
    if (!anyIsReady) this.#noneSince ??= this.#now();
    else if (this.#noneSince !== undefined) {
      this.#noneReady.push({ from: this.#noneSince, to: this.#now() });
      this.#noneSince = undefined;
    }
  }
}

async function isReady(port: number, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
