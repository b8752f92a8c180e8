/** The clock of one of several simulated processes, which may be wrong, paused or killed. */

import type { Clock } from "../../core/clock.ts";

/** A clock whose timers wait while the process is paused, and never fire after it was killed. */
interface ProcessClock extends Clock {
  readonly isPaused: boolean;
  /** Pauses the process, like SIGSTOP. */
  pause(): void;
  /** Continues the process, like SIGCONT: overdue timers fire now. */
  resume(): void;
  /** Ends the process, like SIGKILL. */
  kill(): void;
}

/** @param options.skewMs by how much its wall time is ahead */
export function processClock(
  clock: Clock,
  { skewMs = 0 }: { readonly skewMs?: number } = {},
): ProcessClock {
  let state: "runs" | "paused" | "dead" = "runs";
  let late = new Set<() => void>();
  return {
    now: () => clock.now() + skewMs,
    monotonic: () => clock.monotonic(),
    after(ms, run) {
      const fire = () => {
        if (state === "runs") run();
        else if (state === "paused") late.add(fire);
      };
      const timer = clock.after(ms, fire);
      return {
        cancel() {
          timer.cancel();
          late.delete(fire);
        },
      };
    },
    get isPaused() {
      return state === "paused";
    },
    pause: () => void (state = "paused"),
    resume() {
      state = "runs";
      const due = late;
      late = new Set();
      for (const fire of due) fire();
    },
    kill: () => void (state = "dead"),
  };
}
