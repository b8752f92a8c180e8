/** The buffer: delay, aggregation, durable log, processors. */

export {
  type BatchHandler,
  type Buffer,
  type BufferDepth,
  bufferFull,
  type BufferOptions,
  type BufferSettings,
  type Handover,
  type LedgerName,
  stopping,
} from "./buffer.ts";
export { aggregationKey, merge, mergedRecords } from "./aggregation.ts";
export { cancelledRecord } from "./cancellation.ts";
export { decodeItem, encodeItem, itemId } from "./_stored_items.ts";
export { LogBuffer } from "./log_buffer.ts";
export { Processor } from "./processor.ts";
