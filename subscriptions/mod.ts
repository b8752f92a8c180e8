/** Stores subscriptions and matches notifications with them. */

export { CandidateCache } from "./candidates.ts";
export type { ListQuery } from "./listing.ts";
export { createMatcher, type Matcher } from "./matcher.ts";
export { SubscriptionRepository } from "./repository.ts";
export { type SubscribeRequest } from "./request.ts";
