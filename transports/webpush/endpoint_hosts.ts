/**
 * Decides which push services an endpoint may name, so that a subscription cannot make the service
 * call any other host: those of the browsers, the operator's own, and, if the operator allows it,
 * any public host. It compares names only; `public_address.ts` checks the addresses.
 */

import { createHostCheck, type HostCheck } from "../http/mod.ts";
import { hostFault } from "../http/public_address.ts";

/** How an endpoint is reached. */
export interface EndpointRoute {
  /** Endpoints with the same name share connections: a service that hangs delays no other. */
  readonly queue: string;
  /**
   * `known`: a browser's push service. `own`: named by the operator. `public`: anyone's, so its
   * answers count for the one subscription only, and its addresses are checked.
   */
  readonly trust: "known" | "own" | "public";
  /** All endpoints of the queue are on one host. */
  readonly oneHost: boolean;
}

/** Returns the route to an endpoint, or why there is none. */
export type EndpointRouter = (endpoint: URL) => EndpointRoute | string;

interface Rule {
  readonly check: HostCheck;
  readonly route: EndpointRoute;
}

/** The hosts of the browsers' push services. `android.googleapis.com` (old Chrome) is dead. */
const KNOWN: Readonly<Record<string, string>> = {
  google: "fcm.googleapis.com",
  // Chromium builds without Google's keys.
  chromium: "jmt17.google.com",
  mozilla: "*.push.services.mozilla.com",
  microsoft: "*.notify.windows.com",
  apple: "*.push.apple.com",
};
/** The queue of Windows' push service, which needs a header of its own. */
export const WINDOWS_QUEUE = "microsoft";

const PUBLIC: EndpointRoute = { queue: "public", trust: "public", oneHost: false };

/**
 * Creates a router for one client.
 *
 * @throws {ServiceError} `invalid_configuration` for an invalid host.
 */
export function createEndpointRouter(
  { hosts = [], anyPublicHost = false }: {
    /** `host`, `host:port` or `*.domain`, from the operator. */
    readonly hosts?: readonly string[];
    readonly anyPublicHost?: boolean;
  } = {},
): EndpointRouter {
  const rules = [
    ...Object.entries(KNOWN).map(([queue, host]) => rule(host, queue, "known")),
    ...hosts.map((host) => rule(host, `host ${host}`, "own")),
  ];
  return (endpoint) => {
    let fault = "";
    for (const { check, route } of rules) {
      const why = check(endpoint.href);
      if (why === undefined) return route;
      fault = why;
    }
    if (!anyPublicHost) return fault;
    if (endpoint.username || endpoint.password) return fault;
    if (endpoint.protocol !== "https:" || endpoint.port !== "") return "its port is not 443";
    return hostFault(endpoint.hostname) ?? PUBLIC;
  };
}

function rule(host: string, queue: string, trust: "known" | "own"): Rule {
  return {
    check: createHostCheck([host]),
    route: { queue, trust, oneHost: !host.startsWith("*.") },
  };
}
