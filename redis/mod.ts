/**
 * Everything that several nodes share, on Redis or Valkey: `link/` connects to the servers,
 * `records/` is the store, `buffer/` and `hub/` carry the load, `nodes/` knows the other nodes and
 * sends them messages, `shared/` has limits and tokens.
 */

export { isRedisAddress } from "./link/address.ts";
export { RedisBuffer } from "./buffer/buffer.ts";
export { ChannelChangeFeed } from "./nodes/change_feed.ts";
export { RedisHub } from "./hub/hub.ts";
export { RedisNodeChannel } from "./nodes/node_channel.ts";
export type { Link } from "./link/link.ts";
export type { RedisLink } from "./link.ts";
export { openLink } from "./link/open.ts";
export { RedisLimiter } from "./shared/rate_limiter.ts";
export { joinNodes } from "./nodes/registered_nodes.ts";
export { checkServers, type ServerFinding } from "./link/server_check.ts";
export { createSharedTokens } from "./shared/shared_tokens.ts";
export { RedisStore } from "./records/store.ts";
export { exportLines } from "./transfer/export.ts";
export { checkExport, IMPORTING_KEY, importLines } from "./transfer/import.ts";
