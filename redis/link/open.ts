/** Opens a link to the servers of an address. */

import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { type Log, silentLog } from "../../core/log.ts";
import { ClusterTopology } from "./_cluster.ts";
import { unavailable } from "./_errors.ts";
import {
  sentinelTopology,
  SingleMaster,
  type Topology,
  type TopologyOptions,
} from "./_single_master.ts";
import { hostsOf, parseAddress, type RedisAddress } from "./address.ts";
import { Link } from "./link.ts";

/** Options of {@link openLink}. */
export interface OpenLinkOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log?: Log;
  /** Limit for a reply (ms). @default {2000} */
  readonly timeoutMs?: number;
  /** Limit for {@link openLink} (ms). @default {10000} */
  readonly openWithinMs?: number;
  /** Maximum number of commands without a reply per connection. @default {50000} */
  readonly maxPending?: number;
  /** Certificates (PEM) to trust in place of the machine's own, for `rediss:`. */
  readonly ca?: string;
}

/**
 * Opens a link and waits until it is up.
 *
 * @throws {ServiceError} `invalid_configuration` if the address is invalid, `store_unavailable` if
 * Redis is not reached in time. Neither contains the password.
 */
export async function openLink(address: string, options: OpenLinkOptions): Promise<Link> {
  const { clock, log = silentLog, openWithinMs = 10_000 } = options;
  const parsed = parseAddress(address);
  const topology = (onChange: TopologyOptions["onChange"]) =>
    topologyOf(parsed, { ...options, onChange });
  const link = new Link({ clock, log, topology });
  const { promise, resolve } = Promise.withResolvers<void>();
  link.onUp(resolve);
  const timer = clock.after(openWithinMs, resolve);
  await promise;
  timer.cancel();
  if (link.isUp) return link;
  await link[Symbol.asyncDispose]();
  const why = link.why === undefined ? "no answer" : messageOf(link.why, 200);
  throw unavailable(`${hostsOf(parsed)}: ${why}`, link.why);
}

function topologyOf(
  address: RedisAddress,
  options: OpenLinkOptions & Pick<TopologyOptions, "onChange">,
): Topology {
  const { clock, random, timeoutMs = 2_000, maxPending = 50_000, ca, onChange } = options;
  const { tls, credentials, database, hosts } = address;
  const access = { tls, credentials, database, ...ca === undefined ? {} : { ca } };
  const common: TopologyOptions = { clock, random, access, timeoutMs, maxPending, onChange };
  switch (address.topology) {
    case "single":
      return new SingleMaster({ ...common, find: () => Promise.resolve(hosts[0]!) });
    case "sentinel":
      return sentinelTopology(address, common);
    case "cluster":
      return new ClusterTopology({ ...common, seeds: hosts });
  }
}
