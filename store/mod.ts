/** The stores: the only code that knows Deno KV. Others see the port in `core/store.ts`. */

export { decodeKey, encodeKey, encodeRange } from "./_key_order.ts";
export { GroupCommit } from "./group_commit.ts";
export { KvStore, openKvStore } from "./kv_store.ts";
export { commitCost, type CommitTraits } from "./limits.ts";
export { MemoryStore } from "./memory_store.ts";
export { openStore } from "./open.ts";
