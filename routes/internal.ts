/**
 * The API of the internal listener, for those who operate the service: health with details,
 * metrics and administration. Nothing of it but administration asks for a credential, because
 * only the operator's network can reach the listener.
 */

import { type AdminDeps, adminRoutes } from "./admin.ts";
import { type ChainDeps, createChain } from "./_chain.ts";
import { type HealthDeps, healthRoutes } from "./health.ts";

/** Puts these routes together; returns what answers a request. */
export function createInternalApp(
  deps: AdminDeps & ChainDeps & HealthDeps,
): (request: Request) => Response | Promise<Response> {
  const app = createChain(deps);
  app.route("/v1/admin", adminRoutes(deps));
  app.route("/", healthRoutes(deps, { details: "open" }));
  return (request) => app.fetch(request);
}
