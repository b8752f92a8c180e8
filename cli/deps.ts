/** What commands work with. `main.ts` hands in the process; tests hand in their own. */

import type { Clock } from "../core/clock.ts";
import type { Output } from "./output.ts";

/** Everything that a command touches besides files. */
export interface CliDeps {
  readonly variables: Readonly<Record<string, string>>;
  readonly output: Output;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /**
   * Reads a line without showing it, from the terminal or from a pipe; `undefined` where there is
   * nothing to read.
   */
  readonly readSecret: (question: string) => Promise<string | undefined>;
}
