/** The pipeline: publish → plan → attempt → settle → record. */

export { after, type Breaker, type BreakerSettings, CLOSED, enter } from "./breaker.ts";
export { clientsOf } from "./dispatch.ts";
export type { CommitChanges } from "./due_queue.ts";
export type { DeadLetter, DeadLetterFilter, DeadLetterPage } from "./dead_letters.ts";
export type { NotificationDraft, Publish, Published, PublishRequest } from "./publish.ts";
export { createPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
export { plan } from "./plan.ts";
