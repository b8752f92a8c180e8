/** The pipeline: publish → plan → attempt → settle → record. */

export type { DeadLetter, DeadLetterFilter, DeadLetterPage } from "./dead_letters.ts";
export type { Draft, Published, PublishRequest } from "./publish.ts";
export { createPipeline, type Pipeline, type PipelineOptions } from "./pipeline.ts";
export { plan } from "./plan.ts";
