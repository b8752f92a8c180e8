/**
 * Which push services an endpoint may name, so that a subscription cannot make the service call
 * anywhere else: those of the browsers, the operator's own, and, where an operator asks for it, any
 * public host. Compares names only; `public_address.ts` looks at what they resolve to.
 */

import { createHostCheck, type HostCheck } from "../http/mod.ts";
import { hostFault } from "./public_address.ts";

/** How an endpoint is reached. */
export interface EndpointRoute {
  /** Endpoints with the same name share connections, so that one that hangs delays no other. */
  readonly queue: string;
  /**
   * `known`: a browser's push service. `own`: named by the operator. `public`: anybody's, so that
   * no answer may be believed about more than the one subscription, and addresses are checked.
   */
  readonly trust: "known" | "own" | "public";
  /** All endpoints of the queue are on one host. */
  readonly oneHost: boolean;
}

/** Tells the route to an endpoint, or why there is none. */
export type EndpointRouter = (endpoint: URL) => EndpointRoute | string;

interface Rule {
  readonly check: HostCheck;
  readonly route: EndpointRoute;
}

/** What each browser's push service is called. `android.googleapis.com` (old Chrome) is dead. */
const KNOWN: Readonly<Record<string, string>> = {
  google: "fcm.googleapis.com",
  // Chromium builds without Google's keys.
  chromium: "jmt17.google.com",
  mozilla: "*.push.services.mozilla.com",
  microsoft: "*.notify.windows.com",
  apple: "*.push.apple.com",
};
/** Lane of Windows' push service, which wants a header of its own. */
export const MICROSOFT = "microsoft";

const PUBLIC: EndpointRoute = { queue: "public", trust: "public", oneHost: false };

/**
 * A router for one client.
 *
 * @throws {ServiceError} `invalid_configuration` for a host that is not one.
 */
export function createRouter(
  { hosts = [], anyPublicHost = false }: {
    /** `host`, `host:port` or `*.domain`, as an operator named them. */
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
