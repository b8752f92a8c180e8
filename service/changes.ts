/**
 * What a change by another node means for what this one has in memory. Besides, everything is read
 * anew every now and then, so that a change that nobody was told of counts in the end.
 */

import type { ApiKeys, Sessions } from "../auth/mod.ts";
import type { Attributes } from "../cascade/mod.ts";
import type { Change, ChangeFeed } from "../core/change_feed.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { CandidateCache } from "../subscriptions/mod.ts";

/** Whatever remembers records that other nodes may change. */
export interface Caches {
  readonly attributes: Pick<Attributes, "forget" | "forgetAll">;
  readonly candidates: Pick<CandidateCache, "invalidate" | "clear">;
  readonly keys: Pick<ApiKeys, "reload">;
  readonly sessions: Pick<Sessions, "applyRevoked" | "applyMissed">;
}

/** What following the changes takes. */
export interface FollowOptions {
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

/** What nobody was told of counts after so long at the latest, give or take a quarter. */
const READ_ANEW_MS = 600_000;
const RETRY_MS = 2_000;

/**
 * Makes what is in memory follow one change.
 *
 * @throws {ServiceError} `store_unavailable` where something cannot be read anew: the change is to
 * be applied again then
 */
export async function applyChange(
  change: Change,
  { attributes, candidates, keys, sessions }: Caches,
): Promise<void> {
  switch (change.kind) {
    case "attributes":
      return attributes.forget(change.context, change.user);
    case "subscriptions":
      return candidates.invalidate(change);
    case "session":
      return sessions.applyRevoked(change.id);
    case "apiKeys":
      return await keys.reload();
    case "unknown":
      attributes.forgetAll();
      candidates.clear();
      await Promise.all([keys.reload(), sessions.applyMissed()]);
  }
}

/** Follows a feed until it is disposed. */
export function followChanges(
  feed: Pick<ChangeFeed, "onChange">,
  caches: Caches,
  { clock, random, log }: FollowOptions,
): Disposable {
  let timer: Timer | undefined;
  let isOver = false;

  function readAnewAfter(ms: number): void {
    timer?.cancel();
    if (!isOver) timer = clock.after(ms * (0.75 + random() / 2), () => apply({ kind: "unknown" }));
  }

  function apply(change: Change): void {
    if (change.kind === "unknown") readAnewAfter(READ_ANEW_MS);
    applyChange(change, caches).catch((thrown) => {
      log.warn("a change by another node could not be followed yet", {
        reason: messageOf(thrown),
      });
      readAnewAfter(RETRY_MS);
    });
  }

  feed.onChange(apply);
  readAnewAfter(READ_ANEW_MS);
  return {
    [Symbol.dispose]() {
      isOver = true;
      timer?.cancel();
    },
  };
}
