/** Stores subscriptions and matches notifications with them. */

export type { SubscriptionOwner } from "./_records.ts";
export { type Candidate, CandidateCache, type CandidateCacheOptions } from "./candidates.ts";
export type { ListQuery, SubscriptionPage } from "./listing.ts";
export { createMatcher, type Matcher, type MatcherOptions } from "./matcher.ts";
export {
  type Replacement,
  type RepositoryOptions,
  SubscriptionRepository,
  type UnsubscribeRequest,
} from "./repository.ts";
export { MAX_META_BYTES, MAX_NAME_LENGTH, type SubscribeRequest } from "./request.ts";
