/**
 * One connection that comes back by itself. It finds out anew where to go before each attempt,
 * waits longer from one to the next, and fails at once whatever is sent meanwhile. Answers come in
 * the order of the commands, so one that does not come means that none behind it does: the
 * connection is then given up with all that was under way.
 */

import { ErrorReply } from "redis";
import type { Clock, Timer } from "../../core/clock.ts";
import { messageOf, type ServiceError } from "../../core/errors.ts";
import { type HostPort, nameOf } from "./address.ts";
import { type Access, type Client, makeClient } from "./_client.ts";
import { unavailable } from "./_errors.ts";
import type { Reply } from "../link.ts";

/** What a {@link Connection} is made of. */
export interface ConnectionOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly access: Access;
  /** Where to connect to; asked before each attempt. May reject. */
  readonly find: () => Promise<HostPort>;
  /** Looks whether this is the right server before anybody uses it. May reject. */
  readonly check?: (send: Send) => Promise<void>;
  /** How long a server may be silent while an answer is due, and an attempt to connect take (ms). */
  readonly timeoutMs: number;
  /** Commands that may be under way at once. */
  readonly maxPending: number;
  /** Told when it is up, when it broke, and of each attempt that failed. */
  readonly onChange?: (isUp: boolean, why?: unknown) => void;
}

/** Parts of a command, its name first. */
export type Command = readonly (string | number)[];

/** Sends a command; rejects with the server's own error where it answers with one. */
export type Send = (command: Command) => Promise<Reply>;

const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;
/** Up for so long, a connection counts as a good one. */
const STEADY_MS = 500;
/** How often is looked for an answer that did not come. */
const SWEEP_MS = 250;
/** Answered commands that are remembered before the list of deadlines is cut. */
const CUT_AT = 4_096;

/** The connection; it begins to connect at once. */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: Client | undefined;
  #isUp = false;
  #closed = false;
  /** Attempts that failed, or did not lead to anything lasting, since it was well. */
  #failures = 0;
  #upAt = 0;
  #retry: Timer | undefined;
  #sweep: Timer | undefined;
  /** When answers are due, in the order of the commands; those before `head` have come. */
  #deadlines: number[] = [];
  #head = 0;
  #answeredAt = 0;
  #overdue = false;
  #at: HostPort = { host: "", port: 0 };
  #why: unknown;
  #waiting: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    void this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Commands without an answer yet. */
  get pending(): number {
    return this.#deadlines.length - this.#head;
  }

  /** Where it is connected to, or tried to last. */
  get at(): HostPort {
    return this.#at;
  }

  /**
   * Sends a command; all of one turn of the event loop go out together.
   *
   * @param waitMs how long the server may take on purpose.
   * @throws {ServiceError} `store_unavailable`
   * @throws {ErrorReply} the server's own error answer.
   */
  async send(command: Command, waitMs = 0): Promise<Reply> {
    const { clock, timeoutMs, maxPending } = this.#options;
    const client = this.#client;
    if (!this.#isUp || client === undefined) throw this.#down();
    const now = clock.monotonic();
    // Where answers are late already, one more command only makes them later.
    if (this.pending >= maxPending || this.#deadlines[this.#head]! <= now) {
      throw unavailable(`${nameOf(this.#at)}: ${this.pending} commands wait for an answer already`);
    }
    this.#deadlines.push(now + timeoutMs + waitMs);
    this.#watch();
    try {
      const reply = await client.sendCommand(command.map(String)) as Reply;
      this.#answered(client);
      return reply;
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply)) throw this.#down();
      this.#answered(client);
      throw thrown;
    }
  }

  /** Resolves once it is up, or after an attempt failed or the time for one has passed. */
  settled(): Promise<void> {
    if (this.#isUp || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(this.#options.timeoutMs, resolve);
      this.#waiting.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Breaks the connection and makes a new one; what is under way fails. */
  renew(why: unknown): void {
    if (this.#client !== undefined) this.#broke(this.#client, why);
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#broke(this.#client, new Error("it was closed"));
  }

  async #connect(): Promise<void> {
    const { clock, access, find, check, timeoutMs, onChange } = this.#options;
    let client: Client | undefined;
    let timer: Timer | undefined;
    try {
      const where = await find();
      if (this.#closed) return;
      this.#at = where;
      const opened = client = makeClient(where, { ...access, timeoutMs });
      this.#client = client;
      client.on("error", (error) => this.#broke(opened, error));
      timer = clock.after(timeoutMs, () => this.#broke(opened, silence(timeoutMs)));
      await client.connect();
      const send = (command: Command) => opened.sendCommand(command.map(String)) as Promise<Reply>;
      // Whatever a server that is still loading its data or wants a password says to everything.
      await send(["PING"]);
      await check?.(send);
      if (this.#client !== opened) return;
      this.#isUp = true;
      this.#upAt = clock.monotonic();
      this.#settle();
      onChange?.(true);
    } catch (thrown) {
      this.#broke(client, thrown);
    } finally {
      timer?.cancel();
      // One that was given up while it connected opens all the same.
      if (client !== this.#client) client?.destroy();
    }
  }

  /** Ends an attempt or a connection, once, and has another made after a while. */
  #broke(client: Client | undefined, why: unknown): void {
    if (this.#client !== client) return;
    const { clock, random, onChange } = this.#options;
    // A server that takes connections only to break them is not asked again ever so often.
    if (this.#isUp && clock.monotonic() - this.#upAt >= STEADY_MS) this.#failures = 0;
    this.#client = undefined;
    this.#isUp = false;
    this.#why = why;
    this.#deadlines = [];
    this.#head = 0;
    this.#sweep?.cancel();
    this.#sweep = undefined;
    client?.destroy();
    if (!this.#closed) {
      const ceiling = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures++, 10));
      this.#retry = clock.after(random() * ceiling, () => void this.#connect());
      onChange?.(false, why);
    }
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #answered(client: Client): void {
    if (client !== this.#client) return;
    this.#overdue = false;
    this.#answeredAt = this.#options.clock.monotonic();
    this.#head++;
    if (this.#head === this.#deadlines.length || this.#head >= CUT_AT) {
      this.#deadlines = this.#deadlines.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Looks after a while, and for as long as answers are due, whether the server went silent. */
  #watch(): void {
    if (this.#sweep !== undefined) return;
    const { clock, timeoutMs } = this.#options;
    this.#sweep = clock.after(SWEEP_MS, () => {
      this.#sweep = undefined;
      if (this.pending === 0) return;
      const due = Math.max(this.#deadlines[this.#head]!, this.#answeredAt + timeoutMs);
      const overdue = due <= clock.monotonic();
      // After a pause of this very process the answers may be there, only not read yet.
      if (overdue && this.#overdue) return this.renew(silence(timeoutMs));
      this.#overdue = overdue;
      this.#watch();
    });
  }

  #down(): ServiceError {
    const why = this.#why === undefined ? "it is not connected yet" : messageOf(this.#why, 200);
    return unavailable(`${nameOf(this.#at)}: ${why}`, this.#why);
  }
}

function silence(timeoutMs: number): Error {
  return new Error(`it did not answer within ${timeoutMs} ms`);
}
