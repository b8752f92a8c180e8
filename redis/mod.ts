/**
 * Everything that several nodes share, on Redis or Valkey: `link/` connects to the servers,
 * `records/` is the store, `buffer/` and `hub/` carry the load, `nodes/` knows the other nodes and
 * sends them messages, `shared/` has limits and tokens.
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
export type { HubSettings } from "./hub/event_log.ts";
export { createRedisHub, type RedisHubOptions } from "./hub/hub.ts";
export {
  createNodeChannel,
  type NodeChannel,
  type NodeChannelOptions,
  type NodeMessageKind,
} from "./nodes/node_channel.ts";
export type { Link } from "./link/link.ts";
export type { BlockingLink, RedisLink, Reply, Script } from "./link.ts";
export { openLink, type OpenLinkOptions } from "./link/open.ts";
export { createRedisLimiter, type RateLimiterOptions } from "./shared/rate_limiter.ts";
export {
  joinNodes,
  type JoinOptions,
  type Nodes,
  type RegisteredNodes,
} from "./nodes/registered_nodes.ts";
export {
  checkServers,
  findingsOf,
  parseInfo,
  type ServerFacts,
  type ServerFinding,
} from "./link/server_check.ts";
export { createSharedTokens, type SharedTokensOptions } from "./shared/shared_tokens.ts";
export { RedisStore } from "./records/store.ts";
