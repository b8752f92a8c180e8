/** A `fetch` that sends a request again where that is safe and may help. */

/** How a request is repeated. */
export interface RetryOptions {
  readonly fetch: typeof fetch;
  /** Attempts after the first. */
  readonly retries: number;
  /** Milliseconds before the first repetition, at most; doubles with each further one. */
  readonly firstPauseMs: number;
}

/** Answers that may be better a moment later. 409: the same idempotency key is being processed. */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);
const MAX_PAUSE_MS = 30_000;

/**
 * Returns a `fetch` that repeats a request after a network error or a transient answer, with full
 * jitter and never before `Retry-After`. A POST is repeated only with an `Idempotency-Key`: without
 * one the service could carry it out twice.
 */
export function retryingFetch(
  { fetch, retries, firstPauseMs }: RetryOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const key = request.headers.get("idempotency-key");
    const isSafe = request.method !== "POST" || key !== null;
    for (let attempt = 0;; attempt++) {
      const isLast = !isSafe || attempt >= retries;
      let response: Response | undefined;
      try {
        // A request is used up by sending it.
        response = await fetch(isLast ? request : request.clone());
      } catch (thrown) {
        if (isLast || request.signal.aborted) throw thrown;
      }
      if (response) {
        const isTransient = TRANSIENT.has(response.status) ||
          response.status === 409 && key !== null;
        if (isLast || !isTransient) return response;
        await response.body?.cancel();
      }
      await pause(pauseMs(attempt, firstPauseMs, response), request.signal);
    }
  };
}

function pauseMs(attempt: number, firstPauseMs: number, response: Response | undefined): number {
  const longest = Math.min(MAX_PAUSE_MS, firstPauseMs * 2 ** attempt);
  const floor = Number(response?.headers.get("retry-after") ?? 0) * 1000;
  const jitter = Math.random() * longest;
  return Math.min(MAX_PAUSE_MS, Number.isFinite(floor) ? floor + jitter : jitter);
}

/** Waits; rejects as soon as the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    function stop() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
