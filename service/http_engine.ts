/** Chooses how APNs and FCM are called. */

import type { Settings } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { createFetchEngine, type HttpEngine } from "../transports/http/mod.ts";
import { createHttp2Engine } from "../transports/http2/mod.ts";

/** What the choice depends on. */
export interface HttpEngineDeps {
  readonly engine: Settings["http"]["engine"];
  /** All environment variables. */
  readonly variables: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
}

const PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/** The engine that is set, or `fetch` where there is a proxy that only `fetch` goes through. */
export function chooseHttpEngine({ engine, variables, clock, log }: HttpEngineDeps): HttpEngine {
  const { createHttpClient } = Deno;
  const proxy = PROXY_VARIABLES.find((name) => variables[name]);
  if (engine === "http2" && proxy === undefined) {
    return createHttp2Engine({ runtime: Deno, createHttpClient, clock });
  }
  if (engine === "http2") {
    log.info("APNs and FCM are called with fetch, which goes through the proxy", {
      variable: proxy,
    });
  }
  return createFetchEngine({ fetch: globalThis.fetch, createHttpClient, clock });
}
