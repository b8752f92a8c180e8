/** Stores subscriptions and matches notifications with them. */

export type { SubscriptionOwner } from "./_records.ts";
export { type Candidate, CandidateCache } from "./candidates.ts";
export type { ListQuery, SubscriptionPage } from "./listing.ts";
export { createMatcher, type Matcher } from "./matcher.ts";
export { SubscriptionRepository } from "./repository.ts";
export { type SubscribeRequest } from "./request.ts";
