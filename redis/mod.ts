/** Everything that several nodes share, on Redis or Valkey. */

export {
  type Credentials,
  type HostPort,
  hostsOf,
  isRedisAddress,
  parseAddress,
  type RedisAddress,
} from "./address.ts";
export type { Link } from "./_link.ts";
export type { BlockingLink, RedisLink, Reply, Script } from "./link.ts";
export { openLink, type OpenLinkOptions } from "./open.ts";
export {
  checkServers,
  findingsOf,
  parseInfo,
  type ServerFacts,
  type ServerFinding,
} from "./server_check.ts";
export { RedisStore } from "./store.ts";
