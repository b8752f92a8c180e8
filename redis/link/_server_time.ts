/**
 * What time it is at the server: measured against the monotonic clock of this process, so that
 * neither its wall clock nor a jump of it matters.
 */

import type { Clock } from "../../core/clock.ts";
import type { Reply } from "../link.ts";

const SAMPLES = 3;

/** One look at the server's clock. */
export interface TimeSample {
  /** Server's epoch milliseconds less this process's monotonic milliseconds. */
  readonly offsetMs: number;
  /** How far it may be off: half the time that the answer took. */
  readonly errorMs: number;
}

/** What is made of the answer to `TIME` that was asked for at `from` and had at `to`. */
export function sampleOf(
  reply: Reply,
  { from, to }: { readonly from: number; readonly to: number },
): TimeSample {
  const [seconds, micros] = reply as readonly [string, string];
  const at = Number(seconds) * 1000 + Number(micros) / 1000;
  return { offsetMs: at - (from + to) / 2, errorMs: (to - from) / 2 };
}

/** The best of a few samples taken one after the other: the one that was answered fastest. */
export async function measure(
  clock: Pick<Clock, "monotonic">,
  ask: () => Promise<Reply>,
): Promise<TimeSample> {
  let best: TimeSample | undefined;
  for (let count = 0; count < SAMPLES; count++) {
    const from = clock.monotonic();
    const sample = sampleOf(await ask(), { from, to: clock.monotonic() });
    if (best === undefined || sample.errorMs < best.errorMs) best = sample;
  }
  return best!;
}

/**
 * What to go by after a further look. A slow answer that does not contradict what was known is
 * no reason to give up what was measured better.
 */
export function better(known: TimeSample | undefined, sample: TimeSample): TimeSample {
  if (known === undefined || sample.errorMs <= known.errorMs) return sample;
  return Math.abs(known.offsetMs - sample.offsetMs) <= sample.errorMs ? known : sample;
}
