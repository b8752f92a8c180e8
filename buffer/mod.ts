/** The buffer: delay, aggregation, durable log, processors. */

export type {
  BatchHandler,
  Buffer,
  BufferDepth,
  BufferSettings,
  Handover,
  LedgerName,
} from "./buffer.ts";
export { aggregationKey, merge, mergedRecords } from "./aggregation.ts";
export { LogBuffer } from "./log_buffer.ts";
export { Processor } from "./processor.ts";
