/**
 * Writes who is there to the store, after the fact: users that something changed for gather while
 * others are being written, so that a thousand that reconnect cost a few commits. A moment that a
 * crash cuts off is not known afterwards; its clients are told to look anew. Now and then it writes
 * that the hub is alive: whose sockets were open then were there until then.
 */

import { type Clock, sleep, type Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { userKey } from "../core/notification.ts";
import type { EventRecords, StoredUser } from "./event_records.ts";

/** What a keeper is made of. */
export interface PresenceKeeperOptions {
  readonly records: EventRecords;
  readonly clock: Clock;
  readonly log: Log;
  /** What is known of a user now; `undefined`: nothing. */
  readonly stateOf: (user: Changed) => StoredUser | undefined;
  readonly isAnybodyThere: () => boolean;
}

/** A user that something changed for. */
export interface Changed extends UserName {
  /** The end of the log that a socket was given, which may not say so itself yet. */
  readonly end?: number;
}

/** Users written at a time. */
const BATCH = 1000;
/** How long a store that cannot be written is left alone. */
const PAUSE_MS = 1000;
/** How often it is written that the hub is alive, while anybody is there. */
const ALIVE_EVERY_MS = 5000;

/** See the file's comment. */
export class PresenceKeeper {
  readonly #options: PresenceKeeperOptions;
  readonly #changed = new Map<string, Changed>();
  #writing: Promise<void> | undefined;
  readonly #closing = new AbortController();
  #alive: Timer | undefined;

  constructor(options: PresenceKeeperOptions) {
    this.#options = options;
  }

  /** @throws {ServiceError} `store_unavailable` */
  async start(): Promise<void> {
    const { records, clock } = this.#options;
    await records.saveAlive(clock.now());
    this.#keepAlive();
  }

  /** Something changed for a user; `end` as in {@link Changed}. */
  touch({ context, user }: UserName, end?: number): void {
    if (this.#closing.signal.aborted) return; // what it closed with holds
    const key = userKey(context, user);
    const known = end ?? this.#changed.get(key)?.end;
    this.#changed.set(key, { context, user, ...(known !== undefined && { end: known }) });
    this.#writing ??= this.#write();
  }

  /** Resolves when everything is written, or cannot be. */
  async close(): Promise<void> {
    const { records, clock, log } = this.#options;
    this.#alive?.cancel();
    this.#closing.abort();
    await this.#writing;
    await records.saveAlive(clock.now()).catch((thrown) =>
      log.warn("the end of the event log could not be written", { reason: messageOf(thrown) })
    );
  }

  #keepAlive(): void {
    const { records, clock, isAnybodyThere } = this.#options;
    this.#alive = clock.after(ALIVE_EVERY_MS, () => {
      // Should it fail, a restart takes the hub for dead since the last time.
      if (isAnybodyThere()) records.saveAlive(clock.now()).catch(() => {});
      this.#keepAlive();
    });
  }

  async #write(): Promise<void> {
    // Whoever reported a change is still in the middle of it.
    await Promise.resolve();
    while (this.#changed.size > 0) {
      const batch = [...this.#changed.values()].slice(0, BATCH);
      for (const { context, user } of batch) this.#changed.delete(userKey(context, user));
      if (await this.#save(batch)) continue;
      if (this.#closing.signal.aborted) break;
      for (const user of batch) this.#changed.set(userKey(user.context, user.user), user);
      await sleep(this.#options.clock, PAUSE_MS, this.#closing.signal).catch(() => {});
    }
    this.#writing = undefined;
  }

  async #save(batch: readonly Changed[]): Promise<boolean> {
    const { records, stateOf, log, clock } = this.#options;
    try {
      const now = clock.now();
      await Promise.all(batch.map((user) => records.saveUser(user, stateOf(user), now)));
      return true;
    } catch (thrown) {
      log.warn("who is connected could not be written", { reason: messageOf(thrown) });
      return false;
    }
  }
}
