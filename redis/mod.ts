/** Everything that several nodes share, on Redis or Valkey. */

export {
  type Credentials,
  type HostPort,
  hostsOf,
  isRedisAddress,
  parseAddress,
  type RedisAddress,
} from "./address.ts";
export { RedisBuffer, type RedisBufferOptions } from "./buffer.ts";
export { type ChangeFeedOptions, createChangeFeed } from "./change_feed.ts";
export { createRedisHub, type HubSettings, type RedisHubOptions } from "./hub.ts";
export { createInbox, type Inbox, type InboxKind, type InboxOptions } from "./inbox.ts";
export type { Link } from "./_link.ts";
export type { BlockingLink, RedisLink, Reply, Script } from "./link.ts";
export type { Nodes } from "./nodes.ts";
export { openLink, type OpenLinkOptions } from "./open.ts";
export { createRedisLimiter, type RateLimiterOptions } from "./rate_limiter.ts";
export { joinNodes, type JoinOptions, type RegisteredNodes } from "./registered_nodes.ts";
export {
  checkServers,
  findingsOf,
  parseInfo,
  type ServerFacts,
  type ServerFinding,
} from "./server_check.ts";
export { createSharedTokens, type SharedTokensOptions } from "./shared_tokens.ts";
export { RedisStore } from "./store.ts";
