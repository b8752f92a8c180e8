/** Creates the HTTP engine of a name, as the service does. */

import { systemClock } from "../../core/clock.ts";
import { createFetchEngine, type HttpEngine } from "../../transports/http/mod.ts";
import { createHttp2Engine } from "../../transports/http2/mod.ts";

/** @param name `fetch` or `http2` */
export function engineOf(name: string): HttpEngine {
  const common = { createHttpClient: Deno.createHttpClient, clock: systemClock };
  return name === "http2"
    ? createHttp2Engine({ ...common, runtime: Deno })
    : createFetchEngine({ ...common, fetch });
}
