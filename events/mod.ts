/** The event hub of a single node: in memory, and in its store where that is durable. */

export { EventRecords } from "./event_records.ts";
export { LocalHub } from "./local_hub.ts";
