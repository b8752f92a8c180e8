/**
 * Measures the server's clock against the monotonic clock of this process, so that the wall clock of
 * this machine does not matter.
 */

import type { Clock } from "../../core/clock.ts";
import type { Reply } from "../link.ts";

const SAMPLES = 3;

/** One measurement of the server's clock. */
export interface TimeSample {
  /** The server's epoch milliseconds minus this process's monotonic milliseconds. */
  readonly offsetMs: number;
  /** Maximum error: half of the round trip. */
  readonly errorMs: number;
}

/** Makes a sample of a reply to `TIME` that was sent at `from` and replied at `to`. */
export function sampleOf(
  reply: Reply,
  { from, to }: { readonly from: number; readonly to: number },
): TimeSample {
  const [seconds, micros] = reply as readonly [string, string];
  const at = Number(seconds) * 1000 + Number(micros) / 1000;
  return { offsetMs: at - (from + to) / 2, errorMs: (to - from) / 2 };
}

/** Takes a few samples and returns the one with the shortest round trip. */
export async function measure(
  clock: Pick<Clock, "monotonic">,
  sendTime: () => Promise<Reply>,
): Promise<TimeSample> {
  let best: TimeSample | undefined;
  for (let count = 0; count < SAMPLES; count++) {
    const from = clock.monotonic();
    const sample = sampleOf(await sendTime(), { from, to: clock.monotonic() });
    if (best === undefined || sample.errorMs < best.errorMs) best = sample;
  }
  return best!;
}

/** Chooses between samples: a less exact one replaces the known one only if it contradicts it. */
export function better(known: TimeSample | undefined, sample: TimeSample): TimeSample {
  if (known === undefined || sample.errorMs <= known.errorMs) return sample;
  return Math.abs(known.offsetMs - sample.offsetMs) <= sample.errorMs ? known : sample;
}
