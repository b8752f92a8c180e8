/**
 * Time as a port, so that tests control it. Wall-clock time (`now`) is for timestamps and may jump;
 * monotonic time (`monotonic`) is for measuring durations.
 */

/** A source of time and of timers. */
export interface Clock {
  /** Wall-clock time in epoch milliseconds. May jump either way. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back, unaffected by wall-clock changes. */
  monotonic(): number;
  /** Calls `run` once after `delayMs` (0 or more). */
  after(delayMs: number, run: () => void): Timer;
}

/** A pending call made by {@link Clock.after}. */
export interface Timer {
  /** Cancels the call. Has no effect on a timer that has fired or was cancelled. */
  cancel(): void;
}

/** `setTimeout` counts in 32 bits; anything longer would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const id = setTimeout(run, Math.min(Math.max(0, delayMs), MAX_TIMEOUT_MS));
    return { cancel: () => clearTimeout(id) };
  },
};

/** Resolves after `delayMs`; rejects with the signal's reason when the signal is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    function abort() {
      timer.cancel();
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Waits for `done`, but for at most `ms` milliseconds. Rejects if `done` rejects in time. */
export async function within(
  done: Promise<void>,
  { clock, ms }: { readonly clock: Clock; readonly ms: number },
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = clock.after(ms, late.resolve);
  try {
    await Promise.race([done, late.promise]);
  } finally {
    timer.cancel();
  }
}
