/** The stores: the only code that knows Deno KV. Everything else sees the port in `core/store.ts`. */

export { decodeKey, encodeKey, encodeRange } from "./_key_order.ts";
export { GroupCommit, type GroupCommitOptions, type UncheckedCommit } from "./group_commit.ts";
export { KvStore, type KvStoreOptions, openKvStore } from "./kv_store.ts";
export { type CommitCost, commitCost, type CommitTraits, fits, KV_LIMITS } from "./limits.ts";
export { MemoryStore } from "./memory_store.ts";
export { openStore } from "./open.ts";
export { estimateBytes, serializedBytes } from "./size.ts";
