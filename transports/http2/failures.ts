/**
 * The reasons why an HTTP/2 request got no answer. Deno reports some TLS failures only as texts of
 * Rust crates, so this file alone matches them; tests provoke each real error.
 */

import type { FetchFault, HttpFailure } from "../http/mod.ts";

/** ALPN did not choose HTTP/2. */
export const NO_HTTP2 = unsent("no_h2", "the server does not speak HTTP/2");
/** The TCP connection or the handshake failed. */
export const NO_CONNECTION = unsent("connect", "no connection to the server");
/** The connection was not usable within the timeout. */
export const NO_CONNECTION_IN_TIME = unsent("connect", "no connection to the server in time");
/** The server sent RST_STREAM with REFUSED_STREAM. */
export const REFUSED = unsent("refused_stream", "the server refused the stream");
/** The caller aborted before the request was sent. */
export const ABORTED_UNSENT = unsent("aborted", "aborted before it was sent");
/** The caller aborted while the request was in flight. */
export const ABORTED = maybeSent("aborted", "aborted");
/** The connection or the stream ended without an answer. */
export const BROKEN = maybeSent("died", "the connection broke before the answer came");
/** The server did not answer a PING. */
export const SILENT = maybeSent("died", "the connection died: the server does not answer a PING");

/** Part of the error's message and its meaning; the first match counts. */
const RULES: readonly (readonly [text: string, failure: HttpFailure])[] = [
  ["NoApplicationProtocol", NO_HTTP2],
  ["invalid peer certificate", unsent("certificate", "the server's certificate is not trusted")],
  [
    "received fatal alert",
    unsent(
      "certificate",
      "the server ended the TLS handshake: it wants another client certificate",
    ),
  ],
];

const BLOCKED = unsent("blocked", "the permissions of this process do not allow this address");

/** Maps an error of connecting or of the TLS handshake. */
export function connectFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof Deno.errors.NotCapable) return BLOCKED;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return RULES.find(([part]) => text.includes(part))?.[1] ?? NO_CONNECTION;
}

/** The failure of a request without an answer within `timeoutMs`. */
export function timeoutFailure(timeoutMs: number): HttpFailure {
  return maybeSent("timeout", `no answer within ${timeoutMs} ms`);
}

/**
 * The failure of a request that a GOAWAY ended. `sent` is `no` where the GOAWAY says that the
 * server did not process it.
 */
export function goawayFailure(
  debugData: Uint8Array,
  { sent }: Pick<HttpFailure, "sent">,
): HttpFailure {
  const reason = "the server closed the connection (GOAWAY)";
  const goawayReason = reasonIn(debugData);
  return {
    kind: "failed",
    sent,
    fault: "goaway",
    reason: goawayReason ? `${reason}: ${goawayReason}` : reason,
    ...goawayReason && { goawayReason },
  };
}

/** Reads the `reason` from the JSON that APNs puts into a GOAWAY. */
function reasonIn(debugData: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(debugData.subarray(0, 1024));
  return /"reason"\s*:\s*"([A-Za-z]{1,64})"/.exec(text)?.[1];
}

function unsent(fault: FetchFault, reason: string): HttpFailure {
  return { kind: "failed", sent: "no", fault, reason };
}

function maybeSent(fault: FetchFault, reason: string): HttpFailure {
  return { kind: "failed", sent: "unknown", fault, reason };
}
