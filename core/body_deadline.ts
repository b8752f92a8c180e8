/**
 * The deadline of request bodies. Without it a slow client could occupy a request without limit.
 * Headers have no deadline: the runtime offers none.
 */

import type { Clock, Timer } from "./clock.ts";
import { ServiceError } from "./errors.ts";

interface BodyDeadlineOptions {
  readonly clock: Clock;
  /** Milliseconds that a body may take to arrive. */
  readonly bodyTimeoutMs: () => number;
}

interface Reading {
  /** Monotonic milliseconds. */
  readonly endsAt: number;
  readonly timeoutMs: number;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Bounds the time that request bodies take. All share one timer, which keeps running when no body is
 * read: a timer for each would cost too much.
 */
export class BodyDeadline implements Disposable {
  readonly #options: BodyDeadlineOptions;
  readonly #readings = new Set<Reading>();
  #timer: Timer | undefined;
  /** Monotonic milliseconds at which the timer fires. */
  #sweepAt = Infinity;
  #isClosing = false;

  constructor(options: BodyDeadlineOptions) {
    this.#options = options;
  }

  /**
   * Returns the result of a read that has just begun.
   *
   * @throws {ServiceError} `request_timeout` where the body is late; its later result is dropped.
   * `draining` where it breaks off while the listeners close
   */
  inTime<T>(reading: Promise<T>): Promise<T> {
    const { clock, bodyTimeoutMs } = this.#options;
    const timeoutMs = bodyTimeoutMs();
    const endsAt = clock.monotonic() + timeoutMs;
    this.#sweepNoLaterThan(endsAt);
    return new Promise((resolve, reject) => {
      const entry: Reading = { endsAt, timeoutMs, reject };
      this.#readings.add(entry);
      reading.then((value) => {
        this.#readings.delete(entry);
        resolve(value);
      }, (thrown) => {
        this.#readings.delete(entry);
        reject(this.#isClosing ? brokenOffHere(thrown) : thrown);
      });
    });
  }

  /** Must be called before the listeners close: that breaks bodies off that are still arriving. */
  listenersClose(): void {
    this.#isClosing = true;
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sweep(): void {
    this.#timer = undefined;
    this.#sweepAt = Infinity;
    const now = this.#options.clock.monotonic();
    let next = Infinity;
    for (const entry of this.#readings) {
      if (entry.endsAt > now) {
        next = Math.min(next, entry.endsAt);
        continue;
      }
      this.#readings.delete(entry);
      const message = `Cannot read the body: it has not arrived within ${entry.timeoutMs} ms`;
      entry.reject(new ServiceError("request_timeout", message));
    }
    this.#sweepNoLaterThan(next);
  }

  #sweepNoLaterThan(at: number): void {
    if (at >= this.#sweepAt) return;
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#sweepAt = at;
    this.#timer = clock.after(at - clock.monotonic(), () => this.#sweep());
  }
}

/** The sender has done nothing wrong, and is to repeat the request. */
function brokenOffHere(cause: unknown): ServiceError {
  const message = "Cannot read the body: this node is shutting down";
  return new ServiceError("draining", message, { retryAfterSeconds: 1, cause });
}
