/**
 * The reasons why a request got no answer, which are the same with either engine. They are our own
 * words: those of the runtime contain the address, and with it the device token.
 */

import type { FetchFault, HttpFailure } from "./http_sender.ts";

/** ALPN did not choose HTTP/2. */
export const NO_HTTP2 = unsent("no_h2", "the server does not speak HTTP/2");
/** The TCP connection or the handshake failed. */
export const NO_CONNECTION = unsent("connect", "no connection to the server");
/** The runtime's permissions do not allow the address. */
export const BLOCKED = unsent(
  "blocked",
  "the permissions of this process do not allow this address",
);
/** The server sent RST_STREAM with REFUSED_STREAM. */
export const REFUSED = unsent("refused_stream", "the server refused the stream");
/** The caller aborted before the request was sent. */
export const ABORTED_UNSENT = unsent("aborted", "aborted before it was sent");
/** The caller aborted while the request was in flight. */
export const ABORTED = maybeSent("aborted", "aborted");
/** The connection or the stream ended without an answer. */
export const BROKEN = maybeSent("died", "the connection broke before the answer came");

/** A text in an error of the runtime, and what it means; of several the first match counts. */
export type FaultRule = readonly [text: string, failure: HttpFailure];

/** Deno reports failures of TLS only as texts of Rust crates. */
export const TLS_RULES: readonly FaultRule[] = [
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

/** The failure of a request without an answer within `timeoutMs`. */
export function timeoutFailure(timeoutMs: number): HttpFailure {
  return maybeSent("timeout", `no answer within ${timeoutMs} ms`);
}

/** The failure of a request that a GOAWAY ended, with the reason that APNs puts into it. */
export function goawayFailure(
  goawayReason: string | undefined,
  { sent }: Pick<HttpFailure, "sent">,
): HttpFailure {
  const reason = "the server closed the connection (GOAWAY)";
  return {
    kind: "failed",
    sent,
    fault: "goaway",
    reason: goawayReason ? `${reason}: ${goawayReason}` : reason,
    ...goawayReason && { goawayReason },
  };
}

/** A failure of a request that the provider has certainly not processed. */
export function unsent(fault: FetchFault, reason: string): HttpFailure {
  return { kind: "failed", sent: "no", fault, reason };
}

/** A failure of a request that the provider may have processed. */
export function maybeSent(fault: FetchFault, reason: string): HttpFailure {
  return { kind: "failed", sent: "unknown", fault, reason };
}
