/** Detects that this process is short of CPU, so that more connections would only add cost. */

import process from "node:process";
import type { Clock } from "../../core/clock.ts";

/** CPU time of all threads of the process so far, in milliseconds. */
export type CpuTime = () => number;

/** Reads the CPU time of this process. */
export function processCpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Long enough for a garbage collection not to count as load, short enough to follow a burst. */
const WINDOW_MS = 100;
/** An older sample says nothing about the present. */
const STALE_MS = 1_000;
/** JavaScript runs on one thread, and the runtime needs some of another for TLS. */
const BUSY_SHARE = 0.9;

/**
 * Returns a function that is true where the process was short of CPU in the last tenth of a second.
 * It reports so once per window, so that its effect can show first.
 */
export function createCpuBound(
  { clock, cpuTime }: { readonly clock: Pick<Clock, "monotonic">; readonly cpuTime: CpuTime },
): () => boolean {
  let sampledAt = -Infinity;
  let sampled = 0;
  return () => {
    const now = clock.monotonic();
    const window = now - sampledAt;
    if (window < WINDOW_MS) return true;
    const cpu = cpuTime();
    const share = (cpu - sampled) / window;
    sampledAt = now;
    sampled = cpu;
    return window > STALE_MS || share > BUSY_SHARE;
  };
}
