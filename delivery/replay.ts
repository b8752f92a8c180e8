/** Tries dead letters again, because an operator says so. */

import type { Clock } from "../core/clock.ts";
import type { StoreEntry } from "../core/store.ts";
import type { RetryJob } from "./sender.ts";
import type { DeadLetter, DeadLetters } from "./dead_letters.ts";
import type { Ledger } from "./ledger.ts";

/** Puts a letter back on its way; false where somebody else did so first. */
export type Replay = (letter: StoreEntry<DeadLetter>) => Promise<boolean>;

/** See the file's comment. A ttl that ran out meanwhile no longer counts. */
export function createReplay(
  { letters, ledger, clock, schedule }: {
    readonly letters: DeadLetters;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly schedule: (
      jobs: readonly { readonly job: RetryJob; readonly atMs: number }[],
    ) => Promise<void>;
  },
): Replay {
  return async (letter) => {
    const { notification: { expiresAt: _, ...notification }, target } = letter.value;
    const now = clock.now();
    // Scheduled before it is removed: a crash in between repeats a message and loses none.
    const job: RetryJob = { v: 1, notification, target, attempts: 0, since: now };
    if (!await letters.get(letter.value.id)) return false;
    await schedule([{ job, atMs: now }]);
    await ledger.replayed(notification, target, now);
    return await letters.remove(letter);
  };
}
