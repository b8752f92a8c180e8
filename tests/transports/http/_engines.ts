/** Both engines, so that what transports promise is tested with either. */

import type { Clock } from "../../../core/clock.ts";
import { createFetchEngine, type HttpEngine } from "../../../transports/http/mod.ts";
import { createHttp2Engine } from "../../../transports/http2/mod.ts";

/** Creates an engine whose senders have at most this many connections. */
export type MakeEngine = (clock: Clock, options?: { connections?: number }) => HttpEngine;

/** Named as in the setting. */
export const ENGINES: Readonly<Record<string, MakeEngine>> = {
  fetch: (clock, { connections } = {}) =>
    createFetchEngine({
      fetch,
      createHttpClient: Deno.createHttpClient,
      clock,
      ...connections !== undefined && { connections },
    }),
  http2: (clock, { connections } = {}) =>
    createHttp2Engine({
      runtime: Deno,
      createHttpClient: Deno.createHttpClient,
      clock,
      // The clock of a test is faster than any server can answer a PING.
      silenceMs: Infinity,
      ...connections !== undefined && { maxConnections: connections },
    }),
};

/** A test for each engine. */
export function testEngines(
  name: string,
  run: (makeEngine: MakeEngine) => void | Promise<void>,
): void {
  for (const [engine, makeEngine] of Object.entries(ENGINES)) {
    Deno.test(`${name} (${engine})`, () => run(makeEngine));
  }
}
