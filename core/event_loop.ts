/**
 * Lets sockets, files and timers have their turn while there is work without end. On Deno 2.9 the
 * event loop runs what `setImmediate` or a `MessageChannel` has called back over and over before it
 * looks at sockets again: beside work of 2 ms a piece that yields by `setImmediate`, a client that
 * pauses 10 ms between two requests gets 9 answers a second, and 80 where an asynchronous operation
 * of the runtime is awaited now and then. The cheapest without a permission is a digest of nothing,
 * 0.07 ms; a timer takes 2 ms.
 */

import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

/** Resolves when others have had their turn. */
export type YieldToEventLoop = () => Promise<void>;

/** How long sockets may wait for a look. */
const LOOK_MS = 5;
const NOTHING = new Uint8Array();

/**
 * A way to take turns. Between two looks at the sockets it costs next to nothing, so it can be asked
 * for after every small piece of work.
 */
export function createYieldToEventLoop(clock: Pick<Clock, "monotonic">): YieldToEventLoop {
  let lookedAt = -Infinity;

  async function look(): Promise<void> {
    await crypto.subtle.digest("SHA-1", NOTHING);
    lookedAt = clock.monotonic();
  }

  return () =>
    clock.monotonic() - lookedAt < LOOK_MS
      ? new Promise((resolve) => setImmediate(resolve))
      : look();
}
