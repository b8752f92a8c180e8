/**
 * Parses addresses of Redis and Valkey. An address may contain a password, so errors do not repeat
 * any part of it.
 *
 * - `redis://[user:password@]host[:port][/database]`, one server; `valkey:` means the same
 * - `redis+sentinel://[user:password@]host[:port],host[:port]/<master name>[/database]`
 * - `redis+cluster://[user:password@]host[:port],host[:port]`
 *
 * `rediss` and `valkeys` use TLS. `?sentinelUser=` and `?sentinelPassword=` are for Sentinels with
 * credentials of their own.
 */

import { ServiceError } from "../../core/errors.ts";

/** Host and port of a server; an IPv6 address has no brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** User name and password; servers before Redis 6 have no user names. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** A parsed address. */
export interface RedisAddress {
  readonly topology: "single" | "sentinel" | "cluster";
  /** One for a single server, otherwise some of the Sentinels or servers of the Cluster. */
  readonly hosts: readonly HostPort[];
  readonly tls: boolean;
  readonly credentials: Credentials;
  readonly database: number;
  /** Name of the master at the Sentinels; empty without Sentinels. */
  readonly masterName: string;
  readonly sentinelCredentials: Credentials;
}

const ADDRESS =
  /^(redis|valkey)(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i;
const DEFAULT_PORT = 6379;
const SENTINEL_PORT = 26379;

/** Whether an address has a scheme of Redis or Valkey. */
export function isRedisAddress(address: string): boolean {
  return /^(redis|valkey)s?(\+[a-z]*)?:/.test(address);
}

/**
 * Parses an address.
 *
 * @throws {ServiceError} `invalid_configuration`, without the address.
 */
export function parseAddress(address: string): RedisAddress {
  const match = ADDRESS.exec(address);
  if (match === null) {
    throw faulty(
      "it must look like redis://[user:password@]host[:port][/database], with '%40' for an '@' " +
        "in the password and the like",
    );
  }
  const [, , secure, kind = "single", user, hosts = "", path = "", query = ""] = match;
  const topology = kind as RedisAddress["topology"];
  const port = topology === "sentinel" ? SENTINEL_PORT : DEFAULT_PORT;
  const list = hosts.split(",").map((host) => parseHost(host, port));
  if (topology === "single" && list.length > 1) {
    throw faulty("several hosts need redis+cluster: or redis+sentinel:");
  }
  return {
    topology,
    hosts: list,
    tls: secure === "s",
    credentials: parseCredentials(user),
    ...parsePath(path, topology),
    sentinelCredentials: parseQuery(query),
  };
}

/** Returns the hosts of an address, for logs and errors. */
export function hostsOf({ hosts }: Pick<RedisAddress, "hosts">): string {
  return hosts.map(nameOf).join(",");
}

/** Returns `host:port`, with brackets around an IPv6 address. */
export function nameOf({ host, port }: HostPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function parseHost(text: string, defaultPort: number): HostPort {
  const match = HOST.exec(text);
  if (match === null) throw faulty("a host must be a name or an IP address, IPv6 in brackets");
  const port = Number(match[3] ?? defaultPort);
  if (port < 1 || port > 65_535) throw faulty("a port must be from 1 to 65535");
  return { host: (match[1] ?? match[2])!, port };
}

function parseCredentials(text: string | undefined): Credentials {
  if (text === undefined) return {};
  const colon = text.indexOf(":");
  const username = decode(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? "" : decode(text.slice(colon + 1));
  return credentialsOf(username, password);
}

function parsePath(
  path: string,
  topology: RedisAddress["topology"],
): Pick<RedisAddress, "masterName" | "database"> {
  const parts = path.split("/").slice(1);
  const masterName = topology === "sentinel" ? decode(parts.shift() ?? "") : "";
  if (topology === "sentinel" && masterName === "") {
    throw faulty("after the Sentinels comes the name of the master: …/mymaster");
  }
  const [database = "", ...more] = parts;
  if (more.length > 0 || !/^\d{0,4}$/.test(database)) {
    throw faulty("the database must be a number");
  }
  if (topology === "cluster" && Number(database) !== 0) throw faulty("a Cluster has one database");
  return { masterName, database: Number(database) };
}

function parseQuery(query: string): Credentials {
  const values = new Map<string, string>();
  for (const pair of query.split("&").filter((pair) => pair !== "")) {
    const [name = "", ...value] = pair.split("=");
    if (name !== "sentinelUser" && name !== "sentinelPassword") {
      throw faulty("only sentinelUser and sentinelPassword may follow the '?'");
    }
    values.set(name, decode(value.join("=")));
  }
  return credentialsOf(values.get("sentinelUser"), values.get("sentinelPassword"));
}

function credentialsOf(username = "", password = ""): Credentials {
  return { ...username !== "" && { username }, ...password !== "" && { password } };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw faulty("'%' must be followed by two hexadecimal digits; write '%25' for itself");
  }
}

function faulty(why: string): ServiceError {
  return new ServiceError("invalid_configuration", `Cannot read the address of Redis: ${why}`);
}
