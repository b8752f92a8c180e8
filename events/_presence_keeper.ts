/**
 * Writes the presence of users to the store, after each change and in batches, so that a thousand
 * clients that reconnect cost a few commits. A crash loses the changes of the last moment, and the
 * clients concerned get a `resync`. Also writes regularly that the hub is alive: after a crash, the
 * sockets that were open count as open until then.
 */

import { type Clock, sleep, type Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { userKey } from "../core/notification.ts";
import type { EventRecords, StoredUser } from "./event_records.ts";

interface PresenceKeeperOptions {
  readonly records: EventRecords;
  readonly clock: Clock;
  readonly log: Log;
  /** Returns what is to be stored of a user now; `undefined`: nothing. */
  readonly stateOf: (user: Changed) => StoredUser | undefined;
  readonly hasOpenSockets: () => boolean;
}

interface Changed extends UserName {
  /** The end of the log as a new socket got it; the socket may not have it as its cursor yet. */
  readonly end?: number;
}

/** Users in one batch. */
const MAX_BATCH = 1000;
/** How long to wait after a failed write. */
const RETRY_MS = 1000;
/** How often to write that the hub is alive, while sockets are open. */
const ALIVE_EVERY_MS = 5000;

/** Collects changed users and writes them in batches. */
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

  /** Schedules a changed user to be written; `end` is the end of the log that a new socket got. */
  touch({ context, user }: UserName, end?: number): void {
    if (this.#closing.signal.aborted) return; // what close() wrote must stay
    const key = userKey(context, user);
    const known = end ?? this.#changed.get(key)?.end;
    this.#changed.set(key, { context, user, ...(known !== undefined && { end: known }) });
    this.#writing ??= this.#write();
  }

  /** Writes the rest, once, and resolves also where that fails. */
  async close(): Promise<void> {
    const { records, clock, log } = this.#options;
    this.#alive?.cancel();
    this.#closing.abort();
    await this.#writing;
    await records.saveAlive(clock.now()).catch((thrown) =>
      log.warn("cannot write the time of the shutdown; sockets count as open until the last one", {
        reason: messageOf(thrown),
      })
    );
  }

  #keepAlive(): void {
    const { records, clock, hasOpenSockets } = this.#options;
    this.#alive = clock.after(ALIVE_EVERY_MS, () => {
      // Where it fails, a restart takes the time of the last success.
      if (hasOpenSockets()) records.saveAlive(clock.now()).catch(() => {});
      this.#keepAlive();
    });
  }

  async #write(): Promise<void> {
    // The caller of touch() may still be changing the user.
    await Promise.resolve();
    while (this.#changed.size > 0) {
      const batch = [...this.#changed.values()].slice(0, MAX_BATCH);
      for (const { context, user } of batch) this.#changed.delete(userKey(context, user));
      if (await this.#save(batch)) continue;
      if (this.#closing.signal.aborted) break;
      for (const user of batch) this.#changed.set(userKey(user.context, user.user), user);
      await sleep(this.#options.clock, RETRY_MS, this.#closing.signal).catch(() => {});
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
      log.warn("cannot write the presence of users; trying again", { reason: messageOf(thrown) });
      return false;
    }
  }
}
