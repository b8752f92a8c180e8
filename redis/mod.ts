/** Everything that several nodes share, on Redis or Valkey. */

export {
  type Credentials,
  type HostPort,
  hostsOf,
  isRedisAddress,
  parseAddress,
  type RedisAddress,
} from "./address.ts";
export type { BlockingLink, RedisLink, Reply, Script } from "./link.ts";
export { openLink, type OpenLinkOptions } from "./open.ts";
