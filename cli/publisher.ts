/** Publishing needs headers that no other command sends. */

import { type Input, textOption } from "./definition.ts";
import type { CliDeps } from "./deps.ts";
import { createServiceApi, openKey } from "./service_api.ts";

/** Publishes, and finds what was published. */
interface Publisher {
  publish(draft: unknown): Promise<{ readonly ids: readonly [string] }>;
  // deno-lint-ignore no-explicit-any -- a ledger record, as the API's description has it
  find(id: string): Promise<any>;
}

/** Opens the API with the headers that the options of `publish` ask for. */
export async function openPublisher(input: Input, deps: CliDeps): Promise<Publisher> {
  const options = { ...await openKey(input, deps), fetch: deps.fetch, signal: deps.signal };
  const idempotencyKey = textOption(input, "idempotency-key");
  const traceparent = textOption(input, "traceparent");
  const headers = {
    ...idempotencyKey !== undefined && { "idempotency-key": idempotencyKey },
    ...traceparent !== undefined && { traceparent },
  };
  const publishing = createServiceApi({ ...options, headers });
  const reading = createServiceApi(options);
  return {
    publish: (draft) => publishing.call("POST", "/v1/notifications", draft),
    find: (id) => reading.call("GET", `/v1/notifications/${encodeURIComponent(id)}`),
  };
}
