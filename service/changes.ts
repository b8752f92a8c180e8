/**
 * Applies changes by other nodes to the caches of this one, and publishes this node's own changes.
 * All caches are also refreshed every ten minutes, so that a change whose message was lost takes
 * effect in the end.
 */

import type { ApiKeys, Sessions } from "../auth/mod.ts";
import type { Attributes } from "../cascade/mod.ts";
import type { Change, ChangeFeed } from "../core/change_feed.ts";
import type { Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { CandidateCache } from "../subscriptions/mod.ts";

interface Caches {
  readonly attributes: Pick<Attributes, "forget" | "forgetAll">;
  readonly candidates: Pick<CandidateCache, "invalidate" | "clear">;
  readonly keys: Pick<ApiKeys, "reload">;
  readonly sessions: Pick<Sessions, "applyRevoked" | "applyMissed">;
}

/** Between two refreshes of all caches, plus or minus a quarter. */
const REFRESH_MS = 600_000;
const RETRY_MS = 2_000;

/**
 * Passes changes on to a feed that is connected later: attributes are created before the node joins
 * the others. Before that no request is served, so there is nothing to publish.
 */
export class ChangeRelay {
  #feed: Pick<ChangeFeed, "publish"> | undefined;

  /** Publishes to `feed` from now on. */
  connect(feed: Pick<ChangeFeed, "publish">): void {
    this.#feed = feed;
  }

  /** Publishes a change; drops it while no feed is connected. */
  readonly publish = (change: Change): void => this.#feed?.publish(change);
}

/**
 * Applies one change to the caches.
 *
 * @throws {ServiceError} `store_unavailable` where records cannot be read again; the caller retries
 */
async function applyChange(
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
    case "report":
      return; // `node_reports.ts` answers
    case "unknown":
      attributes.forgetAll();
      candidates.clear();
      await Promise.all([keys.reload(), sessions.applyMissed()]);
  }
}

/** Applies every change of a feed to the caches until it is disposed. */
export function followChanges(
  feed: Pick<ChangeFeed, "onChange">,
  caches: Caches,
  { clock, random, log }: SystemDeps,
): Disposable {
  let timer: Timer | undefined;
  let isOver = false;

  function refreshAfter(ms: number): void {
    timer?.cancel();
    if (!isOver) timer = clock.after(ms * (0.75 + random() / 2), () => apply({ kind: "unknown" }));
  }

  function apply(change: Change): void {
    if (change.kind === "unknown") refreshAfter(REFRESH_MS);
    applyChange(change, caches).catch((thrown) => {
      log.warn("cannot apply a change by another node; all caches will be refreshed", {
        reason: messageOf(thrown),
      });
      refreshAfter(RETRY_MS);
    });
  }

  feed.onChange(apply);
  refreshAfter(REFRESH_MS);
  return {
    [Symbol.dispose]() {
      isOver = true;
      timer?.cancel();
    },
  };
}
