/** Opens the link that an address names. */

import type { Clock } from "../../core/clock.ts";
import { messageOf, ServiceError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { Link } from "./routed_link.ts";
import { ClusterRoutes } from "./_cluster.ts";
import { OneRoute, type Routes, type RoutesOptions } from "./_routes.ts";
import { masterRoute } from "./_sentinel.ts";
import { hostsOf, parseAddress, type RedisAddress } from "./address.ts";

/** Settings of {@link openLink}. */
export interface OpenLinkOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log?: Log;
  /** How long a server may be silent while an answer is due (ms). @default {2000} */
  readonly timeoutMs?: number;
  /** How long to wait for the first connection (ms). @default {10000} */
  readonly openWithinMs?: number;
  /** Commands under way at once per connection. @default {50000} */
  readonly maxPending?: number;
  /** Certificates (PEM) to trust in place of the machine's own, for `rediss:`. */
  readonly ca?: string;
}

/**
 * Opens a link and waits until it is up.
 *
 * @throws {ServiceError} `invalid_configuration` where the address is none; `store_unavailable`
 * where Redis is not reached in time. The password is in neither.
 */
export async function openLink(address: string, options: OpenLinkOptions): Promise<Link> {
  const { clock, log, openWithinMs = 10_000 } = options;
  const parsed = parseAddress(address);
  const link = new Link({
    clock,
    ...log === undefined ? {} : { log },
    routes: (onChange) => routesOf(parsed, { options, onChange }),
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  link.onUp(resolve);
  const timer = clock.after(openWithinMs, resolve);
  await promise;
  timer.cancel();
  if (link.isUp) return link;
  await link[Symbol.asyncDispose]();
  const why = link.why === undefined ? "no answer" : messageOf(link.why, 200);
  throw new ServiceError(
    "store_unavailable",
    `Cannot reach Redis at ${hostsOf(parsed)}: ${why}`,
    { retryAfterSeconds: 1, cause: link.why },
  );
}

function routesOf(
  address: RedisAddress,
  { options, onChange }: {
    readonly options: OpenLinkOptions;
    readonly onChange: (why?: unknown) => void;
  },
): Routes {
  const { clock, random, timeoutMs = 2_000, maxPending = 50_000, ca } = options;
  const { tls, credentials, database, hosts } = address;
  const access = { tls, credentials, database, ...ca === undefined ? {} : { ca } };
  const common: RoutesOptions = { clock, random, access, timeoutMs, maxPending, onChange };
  switch (address.topology) {
    case "single":
      return new OneRoute({ ...common, find: () => Promise.resolve(hosts[0]!) });
    case "sentinel":
      return masterRoute(address, common);
    case "cluster":
      return new ClusterRoutes({ ...common, seeds: hosts });
  }
}
