/**
 * How a node goes away: not ready at once, its sockets closed a few per second while it still
 * takes publishes, and no more requests only when nobody should be sending any.
 */

import type { Settings } from "../cascade/mod.ts";
import { type Clock, sleep, within } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Realtime } from "../realtime/mod.ts";

/** What leaving needs. */
export interface ShutdownDeps {
  readonly realtime: Pick<Realtime, "drain">;
  readonly settings: () => Settings["drain"];
  readonly clock: Clock;
  readonly log: Log;
  /** Takes no more requests, and resolves when those under way are answered. */
  readonly closeListener: () => Promise<void>;
  /** Hands over or finishes everything else. */
  readonly stop: () => Promise<void>;
}

/** A node's way out. */
export interface Shutdown {
  /** Whether it has begun: the node is not ready any more. */
  readonly hasBegun: boolean;
  /** Resolves when the node has left, however that came about. */
  readonly done: Promise<void>;
  /** Begins, once; `notice`: whether a balancer is given the time to see it. */
  begin(options: { readonly notice: boolean }): Promise<void>;
  /** Stops without ceremony. */
  stop(): Promise<void>;
}

/** Requests that are still under way after this time are cut off by the stop that follows. */
const DOOR_WITHIN_MS = 2_000;

/** See the file's comment. */
export function createShutdown(deps: ShutdownDeps): Shutdown {
  const { realtime, settings, clock, log } = deps;
  const done = Promise.withResolvers<void>();
  let hasBegun = false;
  let leaving: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function leave(notice: boolean): Promise<void> {
    const { socketsPerSecond, withinMs, noticeMs } = settings();
    log.info("leaving: sockets are being closed", { within: withinMs });
    await Promise.all([
      realtime.drain({ perSecond: socketsPerSecond, withinMs }),
      notice ? sleep(clock, noticeMs) : undefined,
    ]);
    await within(deps.closeListener(), { clock, ms: DOOR_WITHIN_MS });
    await stop();
  }

  function stop(): Promise<void> {
    hasBegun = true;
    stopping ??= deps.stop();
    stopping.then(done.resolve, done.reject);
    return stopping;
  }

  // Whoever waits for the end hears of a failure; nobody has to.
  done.promise.catch(() => {});

  return {
    get hasBegun() {
      return hasBegun;
    },
    done: done.promise,
    begin({ notice }) {
      hasBegun = true;
      leaving ??= leave(notice);
      return leaving;
    },
    stop,
  };
}
