/**
 * Everything that several nodes share, on Redis or Valkey. Here are the ports and the names of keys;
 * `link/` is the way to the servers, `records/` the store, `buffer/` and `hub/` what the load goes
 * through, `nodes/` who is there and what they tell each other, `shared/` limits and tokens.
 */

export {
  type Credentials,
  type HostPort,
  hostsOf,
  isRedisAddress,
  parseAddress,
  type RedisAddress,
} from "./link/address.ts";
export { RedisBuffer, type RedisBufferOptions } from "./buffer/buffer.ts";
export { type ChangeFeedOptions, createChangeFeed } from "./nodes/change_feed.ts";
export { createRedisHub, type HubSettings, type RedisHubOptions } from "./hub/hub.ts";
export {
  createNodeChannel,
  type NodeChannel,
  type NodeChannelOptions,
  type NodeMessageKind,
} from "./nodes/node_channel.ts";
export type { Link } from "./link/routed_link.ts";
export type { BlockingLink, RedisLink, Reply, Script } from "./link.ts";
export type { Nodes } from "./nodes.ts";
export { openLink, type OpenLinkOptions } from "./link/open.ts";
export { createRedisLimiter, type RateLimiterOptions } from "./shared/rate_limiter.ts";
export { joinNodes, type JoinOptions, type RegisteredNodes } from "./nodes/registered_nodes.ts";
export {
  checkServers,
  findingsOf,
  parseInfo,
  type ServerFacts,
  type ServerFinding,
} from "./link/server_check.ts";
export { createSharedTokens, type SharedTokensOptions } from "./shared/shared_tokens.ts";
export { RedisStore } from "./records/store.ts";
export { exportLines, type ExportOptions } from "./transfer/export.ts";
export { checkExport, IMPORTING_KEY, importLines, type ImportOptions } from "./transfer/import.ts";
