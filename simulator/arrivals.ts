/**
 * What the fakes received: counts of everything and, unless only counts are wanted, the last
 * requests with their payloads in clear. Bounded, so that a benchmark can run against it.
 */

import type { Json } from "../core/json.ts";
import type { Provider } from "./faults.ts";

/** One request that a fake understood, whatever it answered. */
export interface ReceivedPush {
  /** Grows by one with every arrival. */
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly provider: Provider;
  readonly token: string;
  readonly status: number;
  /** The provider's word for a refusal. */
  readonly reason?: string;
  /** The id that the fake gave to the message. */
  readonly id?: string;
  /** The request's headers that belong to the provider's protocol, without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decrypted and parsed where it is JSON; text otherwise. */
  readonly payload?: Json;
}

/** Which arrivals are asked for. */
export interface ArrivalFilter {
  readonly provider?: Provider;
  readonly token?: string;
  /** Only later ones than this sequence number. */
  readonly after?: number;
  /** Only those that were accepted, or only those that were refused. */
  readonly accepted?: boolean;
}

/** Counts since the start or the last `clear`. */
export interface ArrivalCounts {
  readonly accepted: number;
  readonly refused: number;
}

/** The book of arrivals. */
export interface Arrivals {
  /** The payload is asked for only where it is kept. */
  add(
    arrival: Omit<ReceivedPush, "sequence" | "at" | "payload">,
    payload: () => Json | undefined,
  ): void;
  /** The kept ones that match, oldest first. */
  list(filter?: ArrivalFilter): readonly ReceivedPush[];
  counts(): Readonly<Partial<Record<Provider, ArrivalCounts>>>;
  /**
   * Resolves with what {@link Arrivals.list} gives as soon as that is at least `count`, or rejects
   * with the signal's reason.
   */
  wait(
    count: number,
    filter?: ArrivalFilter,
    signal?: AbortSignal,
  ): Promise<readonly ReceivedPush[]>;
  clear(): void;
}

/** Settings of {@link createArrivals}. */
export interface ArrivalsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How many are kept; 0 keeps only counts. */
  readonly keep: number;
}

/** An empty book. */
export function createArrivals({ now, keep }: ArrivalsOptions): Arrivals {
  // A ring: the slot of an arrival is its number since the last clearing, modulo the length.
  let ring: ReceivedPush[] = [];
  let sequence = 0;
  let clearedAt = 0;
  const counts = new Map<Provider, { accepted: number; refused: number }>();
  const waiting = new Set<() => void>();

  function list(filter: ArrivalFilter = {}): readonly ReceivedPush[] {
    const split = ring.length < keep ? 0 : ((sequence - clearedAt) % keep);
    return [...ring.slice(split), ...ring.slice(0, split)]
      .filter((arrival) => matches(arrival, filter));
  }

  return {
    add(arrival, payload) {
      let count = counts.get(arrival.provider);
      if (count === undefined) counts.set(arrival.provider, count = { accepted: 0, refused: 0 });
      const accepted = isAccepted(arrival);
      count[accepted ? "accepted" : "refused"]++;
      if (keep > 0) {
        const clear = payload();
        ring[(sequence - clearedAt) % keep] = {
          sequence: sequence + 1,
          at: now(),
          ...arrival,
          ...(clear === undefined ? {} : { payload: clear }),
        };
      }
      sequence++;
      if (waiting.size > 0) { for (const check of [...waiting]) check(); }
    },
    list,
    counts: () => Object.fromEntries(counts),
    wait(count, filter = {}, signal) {
      return new Promise((resolve, reject) => {
        function check() {
          const found = list(filter);
          if (found.length < count) return;
          stop();
          resolve(found);
        }
        function abort() {
          stop();
          reject(signal?.reason);
        }
        function stop() {
          waiting.delete(check);
          signal?.removeEventListener("abort", abort);
        }
        if (signal?.aborted) return reject(signal.reason);
        signal?.addEventListener("abort", abort, { once: true });
        waiting.add(check);
        check();
      });
    },
    clear() {
      ring = [];
      clearedAt = sequence;
      counts.clear();
    },
  };
}

function isAccepted(arrival: Pick<ReceivedPush, "status" | "reason">): boolean {
  return arrival.status >= 200 && arrival.status < 300 && arrival.reason === undefined;
}

function matches(arrival: ReceivedPush, filter: ArrivalFilter): boolean {
  return (filter.provider === undefined || arrival.provider === filter.provider) &&
    (filter.token === undefined || arrival.token === filter.token) &&
    (filter.after === undefined || arrival.sequence > filter.after) &&
    (filter.accepted === undefined || isAccepted(arrival) === filter.accepted);
}
