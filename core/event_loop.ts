/**
 * Yields to the event loop during long work, so that sockets, files and timers are served. On Deno
 * 2.9 one `setImmediate` does not suffice: while there is always something to run, the runtime looks
 * at sockets once in 61 turns of its loop (tokio's `event_interval`). With 2.5 ms of work in each
 * turn a request takes 140 ms, and 590 ms beside four such works. So from time to time all works
 * wait for as many empty turns, which cost 0.1 ms together.
 */

import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";

/** Resolves after pending I/O and timers have been processed. */
export type YieldToEventLoop = () => Promise<void>;

/** How long sockets may go unpolled. */
const POLL_MS = 5;
/** After so long without a yield the loop has been idle, and sockets have been polled. */
const IDLE_MS = 50;
/** Turns of the event loop after which sockets have certainly been polled. */
const TURNS = 62;

/**
 * Creates a function that yields to the event loop. It polls sockets every few milliseconds and is
 * nearly free in between, so work may call it after every small piece. Callers go on one after the
 * other, in the order of their calls.
 */
export function createYieldToEventLoop(clock: Pick<Clock, "monotonic">): YieldToEventLoop {
  let polledAt = -Infinity;
  let yieldedAt = -Infinity;
  let last = Promise.resolve();

  async function takeTurn(): Promise<void> {
    const now = clock.monotonic();
    if (now - yieldedAt > IDLE_MS) polledAt = now;
    yieldedAt = now;
    if (now - polledAt < POLL_MS) return await turns(1);
    await turns(TURNS);
    polledAt = clock.monotonic();
  }

  return () => last = last.then(takeTurn);
}

function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    const turn = () => void (--count > 0 ? setImmediate(turn) : resolve());
    setImmediate(turn);
  });
}
