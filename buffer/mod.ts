/** The buffer: delay, aggregation, durable log, worker pool. */

export type {
  BatchHandler,
  Buffer,
  BufferDepth,
  BufferSettings,
  BufferTraits,
  Handover,
  LedgerName,
} from "./buffer.ts";
export { aggregationKey, merge, mergedRecords } from "./aggregation.ts";
export { LogBuffer, type LogBufferOptions } from "./log_buffer.ts";
export { Processor } from "./processor.ts";
