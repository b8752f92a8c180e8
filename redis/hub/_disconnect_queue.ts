/**
 * Writes to Redis which sockets have closed. Those of one turn of the event loop share a call,
 * which runs before the hub's next read. A failed write is repeated; that is safe, because a
 * disconnect applies only to its very socket.
 */

import type { Timer } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import type { SocketPresence } from "../../core/events.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import { RECORD_DISCONNECTS } from "./_scripts.ts";
import { socketNameOf, userKeys } from "./_user_state.ts";
import { groupByPartition } from "../keys.ts";
import type { RedisLink } from "../link.ts";

interface DisconnectQueueOptions extends SystemDeps {
  readonly link: RedisLink;
  readonly windowMs: () => number;
}

interface Disconnect extends SocketPresence {
  readonly acknowledged: number | undefined;
}

const MAX_PER_CALL = 200;
const RETRY_MS = 500;
/** Further disconnects are dropped; their sockets count as closed when this node does. */
const MAX_WAITING = 100_000;

/** Closed sockets whose disconnect is not written yet. */
export class DisconnectQueue {
  readonly #options: DisconnectQueueOptions;
  /** By Socket.IO id. */
  #waiting = new Map<string, Disconnect>();
  #sending: Promise<void> | undefined;
  #isScheduled = false;
  #retry: Timer | undefined;

  constructor(options: DisconnectQueueOptions) {
    this.#options = options;
    options.link.onUp(() => void this.retry());
  }

  add(socket: SocketPresence, acknowledged: number | undefined): void {
    const { context, user, client, id, socketId, heartbeatMs } = socket;
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(socketId)) return;
    this.#waiting.set(socketId, { context, user, client, id, socketId, heartbeatMs, acknowledged });
    if (this.#isScheduled || this.#retry) return;
    this.#isScheduled = true;
    queueMicrotask(() => void this.flush());
  }

  /** Returns the acknowledged offset of a socket whose disconnect is not written yet. */
  acknowledgedFor(socketId: string): number | undefined {
    return this.#waiting.get(socketId)?.acknowledged;
  }

  /** Whether there is nothing that the next read must wait for. */
  get isIdle(): boolean {
    return this.#retry !== undefined ||
      (this.#waiting.size === 0 && this.#sending === undefined);
  }

  /** Resolves when every disconnect added before is written or has failed. Never rejects. */
  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
    this.#isScheduled = false;
    if (this.#waiting.size === 0 || this.#retry !== undefined) return;
    // The link calls back when Redis is available again.
    if (!this.#options.link.isUp) return;
    this.#sending = this.#send().finally(() => this.#sending = undefined);
    await this.#sending;
  }

  /** Writes at once what failed before; false where it fails again. */
  async retry(): Promise<boolean> {
    this.#retry?.cancel();
    this.#retry = undefined;
    await this.flush();
    return this.#waiting.size === 0;
  }

  /** Drops what is not written. */
  close(): void {
    this.#retry?.cancel();
    this.#waiting.clear();
  }

  async #send(): Promise<void> {
    const disconnects = [...this.#waiting.values()];
    this.#waiting = new Map();
    const groups = groupByPartition(disconnects, MAX_PER_CALL);
    const failed = (await Promise.all(groups.map(({ items }) => this.#write(items)))).flat();
    if (failed.length === 0) return;
    // Disconnects added meanwhile are newer.
    const newer = this.#waiting;
    this.#waiting = new Map(failed.map((each) => [each.socketId, each]));
    for (const [socketId, each] of newer) this.#waiting.set(socketId, each);
    const { clock, random } = this.#options;
    this.#retry = clock.after(RETRY_MS * (0.5 + random()), () => void this.retry());
  }

  /** Returns the disconnects that could not be written. */
  async #write(disconnects: readonly Disconnect[]): Promise<readonly Disconnect[]> {
    const { link, windowMs, log } = this.#options;
    const keys = disconnects.flatMap((each) => {
      const { state, pastConnections } = userKeys(each);
      return [state, pastConnections];
    });
    const each = disconnects.flatMap((socket) => {
      const connection = socket.id === socket.socketId ? "" : socket.id;
      return [socketNameOf(socket), socket.acknowledged ?? "gone", connection];
    });
    try {
      await link.run(RECORD_DISCONNECTS, keys, [windowMs(), ...each]);
      return [];
    } catch (thrown) {
      if (thrown instanceof ServiceError) return disconnects;
      log.error("cannot record closed sockets", { reason: messageOf(thrown) });
      return [];
    }
  }
}
