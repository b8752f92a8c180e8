/**
 * Time as something handed in, so that tests decide when it passes. Wall time (`now`) is what
 * people and other machines understand and may jump; `monotonic` never does, and is what waits
 * are measured with.
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
  /** Idempotent; a timer that has already fired is left alone. */
  cancel(): void;
}

/** `setTimeout` counts in 32 bits; anything longer would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const id = setTimeout(run, Math.min(Math.max(0, delayMs), MAX_TIMEOUT_MS));
    return { cancel: () => clearTimeout(id) };
  },
};

/**
 * Resolves after `delayMs`, or rejects with the signal's reason as soon as it is aborted.
 */
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

/** Resolves as `done` does, but after `ms` milliseconds at the latest. */
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
