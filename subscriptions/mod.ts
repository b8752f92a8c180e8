/** Stores subscriptions and matches notifications with them. */

export { CandidateCache } from "./candidates.ts";
export { Groups } from "./groups.ts";
export { listSubscribers, subscribersAmong } from "./listing.ts";
export type { ListQuery } from "./listing.ts";
export { createMatcher, type Matcher } from "./matcher.ts";
export { SubscriptionRepository } from "./repository.ts";
export { type SubscribeRequest } from "./request.ts";
