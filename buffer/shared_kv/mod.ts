/**
 * What several processes need that share one Deno KV, such as the isolates of Deno Deploy: a lease
 * for each, failover, and a feed of changes. Nothing here runs on a store that is not shared.
 */

export { KvChangeFeed } from "./kv_change_feed.ts";
export { Peers } from "./peers.ts";
