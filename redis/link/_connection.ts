/**
 * One connection that reconnects after a failure, with increasing delays. Before each attempt it
 * looks up the server's address; while it is down, every command fails immediately. Replies arrive
 * in the order of the commands, so a missing reply means that all later ones are missing, too: the
 * connection is then closed and its pending commands fail.
 */

import { ErrorReply } from "redis";
import type { Clock, Timer } from "../../core/clock.ts";
import { messageOf, type ServiceError } from "../../core/errors.ts";
import { type HostPort, nameOf } from "./address.ts";
import { type Access, type Client, type Command, makeClient, sendOn } from "./_client.ts";
import { unavailable } from "./_errors.ts";
import type { Reply } from "../link.ts";

/** Options of a {@link Connection}. */
export interface ConnectionOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly access: Access;
  /** Returns the server to connect to; called before each attempt. May reject. */
  readonly find: () => Promise<HostPort>;
  /** Checks a new connection before anything else is sent on it. Rejects to close it. */
  readonly check?: (client: Client) => Promise<void>;
  /** Limit for a reply, and for an attempt to connect (ms). */
  readonly timeoutMs: number;
  /** Maximum number of commands without a reply. */
  readonly maxPending: number;
  /** Called when the connection comes up, goes down, or an attempt fails. */
  readonly onChange?: (why?: unknown) => void;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;
/** A connection that was up for this long resets the delay. */
const STABLE_MS = 500;
/** Interval between checks for overdue replies. */
const CHECK_EVERY_MS = 250;
/** Number of past deadlines that are kept before the list is trimmed. */
const TRIM_AT = 4_096;

/** A connection; it starts to connect when it is made. */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: Client | undefined;
  #isUp = false;
  #closed = false;
  /** Failed attempts and short-lived connections since the last stable connection. */
  #failures = 0;
  #upAt = 0;
  #retry: Timer | undefined;
  #overdueCheck: Timer | undefined;
  /** Deadlines of the commands in their order; those before `#head` have their reply. */
  #deadlines: number[] = [];
  #head = 0;
  #lastReplyAt = 0;
  #wasOverdue = false;
  #server: HostPort = { host: "", port: 0 };
  #why: unknown;
  #waiting: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    void this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The number of commands without a reply. */
  get pending(): number {
    return this.#deadlines.length - this.#head;
  }

  /** The server of the current or latest attempt. */
  get server(): HostPort {
    return this.#server;
  }

  /**
   * Sends a command; all commands of one turn of the event loop are written together.
   *
   * @param waitMs how long the command itself may block at the server.
   * @throws {ServiceError} `store_unavailable`
   * @throws {ErrorReply} the server's error reply.
   */
  async send(command: Command, waitMs = 0): Promise<Reply> {
    const { clock, timeoutMs, maxPending } = this.#options;
    const client = this.#client;
    if (!this.#isUp || client === undefined) throw this.#unavailable();
    const now = clock.monotonic();
    // Where replies are late already, one more command only makes them later.
    if (this.pending >= maxPending || this.#deadlines[this.#head]! <= now) {
      const why = `${this.pending} commands wait for a reply already`;
      throw unavailable(`${nameOf(this.#server)}: ${why}`);
    }
    this.#deadlines.push(now + timeoutMs + waitMs);
    this.#scheduleCheck();
    try {
      const reply = await sendOn(client, command);
      this.#replied(client);
      return reply;
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply)) throw this.#unavailable();
      this.#replied(client);
      throw thrown;
    }
  }

  /** Resolves when the connection is up, an attempt has failed, or `timeoutMs` have passed. */
  attempted(): Promise<void> {
    if (this.#isUp || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(this.#options.timeoutMs, resolve);
      this.#waiting.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Closes the connection, fails its pending commands, and connects again after the delay. */
  reconnect(why: unknown): void {
    if (this.#client !== undefined) this.#disconnected(this.#client, why);
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#disconnected(this.#client, new Error("it was closed"));
  }

  async #connect(): Promise<void> {
    const { clock, access, find, check, timeoutMs, onChange } = this.#options;
    let client: Client | undefined;
    let timer: Timer | undefined;
    try {
      const server = await find();
      if (this.#closed) return;
      this.#server = server;
      const opened = client = this.#client = makeClient(server, { ...access, timeoutMs });
      client.on("error", (error) => this.#disconnected(opened, error));
      timer = clock.after(timeoutMs, () => this.#disconnected(opened, noReply(timeoutMs)));
      await client.connect();
      // A server that still loads its data, or requires a password, answers this with an error.
      await sendOn(client, ["PING"]);
      await check?.(client);
      if (this.#client !== opened) return;
      this.#isUp = true;
      this.#upAt = clock.monotonic();
      this.#endAttempt();
      onChange?.();
    } catch (thrown) {
      this.#disconnected(client, thrown);
    } finally {
      timer?.cancel();
      // Its socket may have opened after the attempt was given up.
      if (client !== this.#client) client?.destroy();
    }
  }

  /** Ends a connection or an attempt once, and schedules the next attempt. */
  #disconnected(client: Client | undefined, why: unknown): void {
    if (this.#client !== client) return;
    const { clock, random, onChange } = this.#options;
    // A server that accepts connections only to close them is not stable.
    if (this.#isUp && clock.monotonic() - this.#upAt >= STABLE_MS) this.#failures = 0;
    this.#client = undefined;
    this.#isUp = false;
    this.#why = why;
    this.#deadlines = [];
    this.#head = 0;
    this.#overdueCheck?.cancel();
    this.#overdueCheck = undefined;
    client?.destroy();
    if (!this.#closed) {
      const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#failures++, 10));
      this.#retry = clock.after(random() * ceiling, () => void this.#connect());
      onChange?.(why);
    }
    this.#endAttempt();
  }

  #endAttempt(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #replied(client: Client): void {
    if (client !== this.#client) return;
    this.#wasOverdue = false;
    this.#lastReplyAt = this.#options.clock.monotonic();
    this.#head++;
    if (this.#head === this.#deadlines.length || this.#head >= TRIM_AT) {
      this.#deadlines = this.#deadlines.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Checks after a while, as long as commands are pending, whether the server stopped replying. */
  #scheduleCheck(): void {
    if (this.#overdueCheck !== undefined) return;
    const { clock, timeoutMs } = this.#options;
    this.#overdueCheck = clock.after(CHECK_EVERY_MS, () => {
      this.#overdueCheck = undefined;
      if (this.pending === 0) return;
      const due = Math.max(this.#deadlines[this.#head]!, this.#lastReplyAt + timeoutMs);
      const isOverdue = due <= clock.monotonic();
      // After a pause of this process the replies may have arrived but not been read yet.
      if (isOverdue && this.#wasOverdue) return this.reconnect(noReply(timeoutMs));
      this.#wasOverdue = isOverdue;
      this.#scheduleCheck();
    });
  }

  #unavailable(): ServiceError {
    const why = this.#why === undefined ? "it is not connected yet" : messageOf(this.#why, 200);
    return unavailable(`${nameOf(this.#server)}: ${why}`, this.#why);
  }
}

function noReply(timeoutMs: number): Error {
  return new Error(`it did not answer within ${timeoutMs} ms`);
}
