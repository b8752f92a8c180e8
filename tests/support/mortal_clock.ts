/** A clock whose timers stop with the process that set them. */

import type { Clock } from "../../core/clock.ts";

/** Creates a clock that follows `clock` until `kill()`; then no timer fires any more. */
export function mortalClock(clock: Clock): Clock & { kill(): void } {
  let alive = true;
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, run) => clock.after(ms, () => alive && run()),
    kill: () => void (alive = false),
  };
}
