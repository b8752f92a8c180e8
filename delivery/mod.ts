/** The delivery pipeline: publish → plan → attempt → settle → record. */

export { ABSENT_CODES } from "./absent_targets.ts";
export { type Breaker, breakerAfter, CLOSED, enterBreaker } from "./breaker.ts";
export type { CommitChanges } from "./job_claims.ts";
export type { DeadLetter, DeadLetterFilter } from "./dead_letters.ts";
export { createExplain, type Explain, type Explanation, type LanguageChoice } from "./explain.ts";
export type { NotificationDraft, Publish } from "./publish.ts";
export { loadReceiptTokens, ReceiptTokens } from "./receipt_tokens.ts";
export { createPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
export { type DeliverAt, isLocalTime } from "./deliver_at.ts";
export type { ReadAudience } from "./fanout.ts";
export { findFanoutUser, type FoundUser } from "./fanout_user.ts";
export { publishUnread } from "./unread_events.ts";
