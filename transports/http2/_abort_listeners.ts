/** One `abort` listener for all requests that share a signal: cheaper than one listener each. */

/** Keeps the pending requests of each signal and reports them when it aborts. */
export class AbortListeners<Request> {
  readonly #onAbort: (requests: readonly Request[]) => void;
  readonly #bySignal = new Map<AbortSignal, SignalListener<Request>>();

  /** `onAbort` receives the requests of the signal that aborted, oldest first. */
  constructor(onAbort: (requests: readonly Request[]) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal, request: Request): void {
    let listener = this.#bySignal.get(signal);
    if (!listener) {
      const requests = new Set<Request>();
      listener = { requests, onAbort: () => this.#onAbort([...requests]) };
      this.#bySignal.set(signal, listener);
      signal.addEventListener("abort", listener.onAbort);
    }
    listener.requests.add(request);
  }

  /** Removes the listener with the last request of the signal. */
  remove(signal: AbortSignal, request: Request): void {
    const listener = this.#bySignal.get(signal);
    if (!listener?.requests.delete(request) || listener.requests.size > 0) return;
    this.#bySignal.delete(signal);
    signal.removeEventListener("abort", listener.onAbort);
  }
}

interface SignalListener<Request> {
  readonly requests: Set<Request>;
  readonly onAbort: () => void;
}
