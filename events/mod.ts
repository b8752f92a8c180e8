/** The event hub of a node that is alone: in memory, and in its store where that is durable. */

export type { WindowLimits } from "./_retention_window.ts";
export { EventRecords, type EventRecordsOptions } from "./event_records.ts";
export { createLocalHub, type LocalHub, type LocalHubOptions } from "./local_hub.ts";
