/** The dependencies that most parts share. */

import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Time, randomness and the log. Tests replace them. */
export interface SystemDeps {
  readonly clock: Clock;
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}
