/**
 * Drains and stops a node. It becomes unready at once and closes its sockets at a limited rate while
 * it still accepts publishes; it closes its listeners when balancers no longer send requests.
 */

import type { Settings } from "../cascade/mod.ts";
import { sleep, within } from "../core/clock.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { Realtime } from "../realtime/mod.ts";

interface ShutdownDeps extends Pick<SystemDeps, "clock" | "log"> {
  readonly realtime: Pick<Realtime, "drain">;
  readonly settings: () => Settings["drain"];
  /** Stops accepting requests; resolves when those in progress are answered. */
  readonly closeListeners: () => Promise<void>;
  /** Stops everything else. */
  readonly stop: () => Promise<void>;
}

/** The shutdown of a node. */
export interface Shutdown {
  /** Whether it has begun: the node is no longer ready. */
  readonly hasBegun: boolean;
  /** Resolves when the node has stopped, after a drain or without one. */
  readonly done: Promise<void>;
  /**
   * Drains the node, then stops it. A second call returns the promise of the first.
   *
   * @param options.notice whether to wait until a balancer has seen that the node is unready
   */
  begin(options: { readonly notice: boolean }): Promise<void>;
  /** Stops without draining. */
  stop(): Promise<void>;
}

/** The stop that follows cuts off requests that are still in progress after this time. */
const CLOSE_LISTENERS_WITHIN_MS = 2_000;

/** Creates the shutdown of a node; it does nothing until it begins. */
export function createShutdown(deps: ShutdownDeps): Shutdown {
  const { realtime, settings, clock, log } = deps;
  const done = Promise.withResolvers<void>();
  let hasBegun = false;
  let draining: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function drain(notice: boolean): Promise<void> {
    const { socketsPerSecond, withinMs, noticeMs } = settings();
    log.info("draining: sockets are being closed", { within: withinMs });
    await Promise.all([
      realtime.drain({ perSecond: socketsPerSecond, withinMs }),
      notice ? sleep(clock, noticeMs) : undefined,
    ]);
    await within(deps.closeListeners(), { clock, ms: CLOSE_LISTENERS_WITHIN_MS });
    await stop();
  }

  function stop(): Promise<void> {
    hasBegun = true;
    stopping ??= deps.stop();
    stopping.then(done.resolve, done.reject);
    return stopping;
  }

  // Callers that await `done` receive a failure; without one it must not count as unhandled.
  done.promise.catch(() => {});

  return {
    get hasBegun() {
      return hasBegun;
    },
    done: done.promise,
    begin({ notice }) {
      hasBegun = true;
      draining ??= drain(notice);
      return draining;
    },
    stop,
  };
}
