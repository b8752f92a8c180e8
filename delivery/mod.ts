/** The delivery pipeline: publish → plan → attempt → settle → record. */

export type { CommitChanges } from "./job_claims.ts";
export type { DeadLetter, DeadLetterFilter } from "./dead_letters.ts";
export { ABSENT_CODES } from "./absent_targets.ts";
export { createExplain, type Explain, type Explanation } from "./explain.ts";
export type { NotificationDraft } from "./publish.ts";
export { createPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
