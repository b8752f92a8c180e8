/**
 * Asks the middleware every now and then whether the sessions of open sockets still exist, which also
 * keeps them alive, and closes the sockets of those that do not. Where the middleware cannot be asked,
 * every socket stays.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { isMiddlewareSession, type MiddlewareSessions } from "./middleware_sessions.ts";

interface SessionWatchOptions {
  readonly sessions: Pick<MiddlewareSessions, "isAlive" | "keepOnly">;
  /** Session ids of the open sockets of this node. */
  readonly openSessions: () => Iterable<string>;
  /** Closes the sockets of a session; how many that were. */
  readonly closeSession: (sessionId: string) => number;
  /** Milliseconds from one sweep to the next. */
  readonly everyMs: () => number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** Sessions that are asked about at the same time. */
const AT_ONCE = 8;

/** Begins to watch; disposing ends it. */
export function watchSessions(options: SessionWatchOptions): AsyncDisposable {
  const { clock, everyMs, random, log } = options;
  let timer: Timer | undefined;
  let running: Promise<void> = Promise.resolve();
  let isOver = false;

  function schedule(): void {
    // Nodes that were started together must not ask together.
    timer = clock.after(everyMs() * (0.75 + random() / 2), () => {
      running = sweepSessions(options, () => isOver)
        .catch((thrown) =>
          log.error("sessions could not be checked", { reason: messageOf(thrown) })
        )
        .finally(() => void (isOver || schedule()));
    });
  }

  schedule();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      timer?.cancel();
      await running;
    },
  };
}

/** Asks about all of them once; returns when the last one is answered, or one could not be. */
export async function sweepSessions(
  { sessions, openSessions, closeSession, log }: Pick<
    SessionWatchOptions,
    "sessions" | "openSessions" | "closeSession" | "log"
  >,
  isOver: () => boolean = () => false,
): Promise<void> {
  const open = new Set([...openSessions()].filter(isMiddlewareSession));
  sessions.keepOnly(open);
  const waiting = open.values();
  let isAway = false;

  async function work(): Promise<void> {
    for (const id of waiting) {
      if (isAway || isOver()) return;
      try {
        if (await sessions.isAlive(id)) continue;
      } catch (thrown) {
        if (!(thrown instanceof ServiceError)) throw thrown;
        isAway = true;
        return;
      }
      const closed = closeSession(id);
      log.info("a session of the middleware has ended", { sessionId: id, sockets: closed });
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
