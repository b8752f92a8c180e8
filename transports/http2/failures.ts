/** The reasons why an HTTP/2 request got no answer that `fetch` has not, and how they are found. */

import {
  BLOCKED,
  goawayFailure,
  maybeSent,
  NO_CONNECTION,
  TLS_RULES,
  unsent,
} from "../http/failures.ts";
import type { HttpFailure } from "../http/mod.ts";

/** The connection was not usable within the timeout. */
export const NO_CONNECTION_IN_TIME = unsent("connect", "no connection to the server in time");
/** The server did not answer a PING. */
export const SILENT = maybeSent("died", "the connection died: the server does not answer a PING");

/** Maps an error of connecting or of the TLS handshake. */
export function connectFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof Deno.errors.NotCapable) return BLOCKED;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return TLS_RULES.find(([part]) => text.includes(part))?.[1] ?? NO_CONNECTION;
}

/**
 * The failure of a request that a GOAWAY frame ended. `sent` is `no` where the frame says that the
 * server did not process it.
 */
export function goawayFrameFailure(
  debugData: Uint8Array,
  { sent }: Pick<HttpFailure, "sent">,
): HttpFailure {
  const text = new TextDecoder().decode(debugData.subarray(0, 1024));
  return goawayFailure(/"reason"\s*:\s*"([A-Za-z]{1,64})"/.exec(text)?.[1], { sent });
}
