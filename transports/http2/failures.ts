/**
 * Why a request over HTTP/2 got no answer. Of a TLS connection that did not come about Deno tells a
 * part in texts that come from Rust crates, so they are matched in this one place; tests provoke
 * every real error.
 */

import type { FetchFault, HttpFailure } from "../http/mod.ts";

/** The far side has not agreed to HTTP/2. */
export const NO_HTTP2 = unsent("no_h2", "the server does not speak HTTP/2");
/** Nobody there, or nobody who says anything. */
export const NO_CONNECTION = unsent("connect", "no connection to the server");
/** The far side has not answered in time. */
export const NO_CONNECTION_IN_TIME = unsent("connect", "no connection to the server in time");
/** REFUSED_STREAM. */
export const REFUSED = unsent("refused_stream", "the server refused the stream");
export const ABORTED_UNSENT = unsent("aborted", "given up before it was sent");
export const ABORTED = maybeSent("aborted", "given up");
export const BROKEN = maybeSent("died", "the connection broke before the answer came");
/** No PING was answered. */
export const SILENT = maybeSent("died", "the connection died: the server does not answer a PING");

/** Part of the error's message, and what it means; the first one that matches. */
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

const BLOCKED = unsent("blocked", "the address is not among those this service may connect to");

/** For an error of connecting or of the TLS handshake. */
export function connectFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof Deno.errors.NotCapable) return BLOCKED;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return RULES.find(([part]) => text.includes(part))?.[1] ?? NO_CONNECTION;
}

/** For a request without an answer after so many milliseconds. */
export function timeout(timeoutMs: number): HttpFailure {
  return maybeSent("timeout", `no answer within ${timeoutMs} ms`);
}

/** For a request that a GOAWAY ended. `sent`: `no` where the frame says that it was not looked at. */
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

/** The `reason` of the JSON that APNs sends with a GOAWAY. */
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
