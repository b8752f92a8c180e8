/**
 * Logs what the fakes receive: counts of everything and, unless only counts are wanted, the last
 * requests with decrypted payloads. Bounded, so that a benchmark can use it.
 */

import type { Json } from "../core/json.ts";
import type { Provider } from "./faults.ts";

/** One request that a fake understood, whatever it answered. */
export interface ReceivedPush {
  /** Increases by one with every push. */
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly provider: Provider;
  readonly token: string;
  readonly status: number;
  /** The provider's reason for a refusal. */
  readonly reason?: string;
  /** The id that the fake gave to the message. */
  readonly id?: string;
  /** The protocol headers of the request, without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decrypted; parsed where it is JSON, text otherwise. */
  readonly payload?: Json;
}

interface PushLogFilter {
  readonly provider?: Provider;
  readonly token?: string;
  /** Only those after this sequence number. */
  readonly after?: number;
  /** Only accepted ones, or only refused ones. */
  readonly accepted?: boolean;
}

/** Counts since the start or the last `clear`. */
interface PushLogCounts {
  readonly accepted: number;
  readonly refused: number;
}

/** The log of received pushes. */
export interface PushLog {
  /** The payload is computed only where it is kept. */
  add(
    push: Omit<ReceivedPush, "sequence" | "at" | "payload">,
    payload: () => Json | undefined,
  ): void;
  /** Returns the kept pushes that match, oldest first. */
  list(filter?: PushLogFilter): readonly ReceivedPush[];
  counts(): Readonly<Partial<Record<Provider, PushLogCounts>>>;
  /**
   * Resolves with the result of {@link PushLog.list} once it has at least `count` entries, or
   * rejects with the signal's reason.
   */
  wait(
    count: number,
    filter?: PushLogFilter,
    signal?: AbortSignal,
  ): Promise<readonly ReceivedPush[]>;
  clear(): void;
}

interface PushLogOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How many are kept; 0 keeps only counts. */
  readonly keep: number;
}

/** Creates an empty log. */
export function createPushLog({ now, keep }: PushLogOptions): PushLog {
  // A ring buffer: the slot is the number since the last `clear`, modulo the length.
  let ring: ReceivedPush[] = [];
  let sequence = 0;
  let clearedAt = 0;
  const counts = new Map<Provider, { accepted: number; refused: number }>();
  const waiting = new Set<() => void>();

  function list(filter: PushLogFilter = {}): readonly ReceivedPush[] {
    const split = ring.length < keep ? 0 : ((sequence - clearedAt) % keep);
    return [...ring.slice(split), ...ring.slice(0, split)]
      .filter((push) => matches(push, filter));
  }

  return {
    add(push, payload) {
      const count = counts.getOrInsertComputed(push.provider, () => ({ accepted: 0, refused: 0 }));
      const accepted = isAccepted(push);
      count[accepted ? "accepted" : "refused"]++;
      if (keep > 0) {
        const clear = payload();
        ring[(sequence - clearedAt) % keep] = {
          sequence: sequence + 1,
          at: now(),
          ...push,
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

function isAccepted(push: Pick<ReceivedPush, "status" | "reason">): boolean {
  return push.status >= 200 && push.status < 300 && push.reason === undefined;
}

function matches(push: ReceivedPush, filter: PushLogFilter): boolean {
  return (filter.provider === undefined || push.provider === filter.provider) &&
    (filter.token === undefined || push.token === filter.token) &&
    (filter.after === undefined || push.sequence > filter.after) &&
    (filter.accepted === undefined || isAccepted(push) === filter.accepted);
}
