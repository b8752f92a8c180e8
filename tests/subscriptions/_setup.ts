/** The setup of this folder's tests: a repository and a matcher on a store in memory. */

import type { Change } from "../../core/change_feed.ts";
import { createIdSource } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import {
  CandidateCache,
  createMatcher,
  type SubscribeRequest,
  SubscriptionRepository,
} from "../../subscriptions/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

export const TOKEN = "t".repeat(64);

/** A valid request. */
export function request(changes: Partial<SubscribeRequest> = {}): SubscribeRequest {
  return {
    context: "1",
    user: "7",
    client: "myiosclient",
    transport: "apn",
    token: TOKEN,
    topics: ["ox:mail:*"],
    ...changes,
  };
}

export interface SetupOptions {
  readonly maxPerUser?: number;
  /** Intercepts calls between the repository and the store in memory. */
  readonly wrap?: (store: Store) => Store;
  readonly onChanged?: (change: Change) => void;
}

export function setup(
  { maxPerUser = 100, wrap = (store) => store, onChanged = () => {} }: SetupOptions = {},
) {
  const clock = new FakeClock();
  const memory = new MemoryStore({ clock });
  const store = wrap(memory);
  const candidates = new CandidateCache(store);
  const newId = createIdSource(clock);
  const repository = new SubscriptionRepository({
    store,
    candidates,
    clock,
    newId,
    random: () => 0,
    maxPerUser,
    onChanged,
  });
  const matcher = createMatcher({
    candidates,
    clock,
    interests: (client) => client === "open-xchange-appsuite" ? ["ox:mail:*"] : [],
  });
  /** The tokens that a topic of a user reaches. */
  async function reached(topic = "ox:mail:new", user = "7", context = "1") {
    return (await matcher.match({ context, user, topic }, [])).map(({ token }) => token);
  }
  return { clock, store: memory, candidates, repository, matcher, reached };
}
