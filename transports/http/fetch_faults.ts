/**
 * Classifies errors of `fetch`. Deno describes them only in the text of the cause, which comes from
 * Rust crates, so this file alone matches it; a test provokes each real error and fails if a new
 * Deno changes a text. Reasons are our own words, because the originals contain the address and
 * with it the device token.
 */

import type { FetchFault, HttpFailure } from "./http_sender.ts";

interface FaultRule {
  /** Part of the message of the error or of its cause. */
  readonly text: string;
  readonly fault: FetchFault;
  /** @default {"no"} */
  readonly sent?: "unknown";
  readonly reason: string;
}

/**
 * The first match counts: a GOAWAY's text contains those of broken streams, a connect error any
 * other.
 */
const RULES: readonly FaultRule[] = [
  {
    text: "Requires net access",
    fault: "blocked",
    reason: "the permissions of this process do not allow this address",
  },
  { text: "are blocked", fault: "blocked", reason: "the runtime blocks this port" },
  {
    text: "NoApplicationProtocol",
    fault: "no_h2",
    reason: "the server does not speak HTTP/2",
  },
  {
    text: "invalid peer certificate",
    fault: "certificate",
    reason: "the server's certificate is not trusted",
  },
  {
    text: "received fatal alert",
    fault: "certificate",
    reason: "the server ended the TLS handshake: it wants another client certificate",
  },
  {
    text: "client error (Connect)",
    fault: "connect",
    reason: "no connection to the server",
  },
  {
    text: "request was canceled",
    fault: "connect",
    reason: "the connection was closed before the request was sent",
  },
  {
    text: "refused stream before processing",
    fault: "refused_stream",
    reason: "the server refused the stream",
  },
  {
    text: "connection error received",
    fault: "goaway",
    sent: "unknown",
    reason: "the server closed the connection (GOAWAY)",
  },
];

const DIED: FaultRule = {
  text: "",
  fault: "died",
  sent: "unknown",
  reason: "the connection broke before the answer came",
};

/** Classifies an error of `fetch` or of reading the body. The caller handles aborts. */
export function classifyFetchFault(thrown: unknown): HttpFailure {
  const text = textOf(thrown);
  const { fault, sent = "no", reason } = RULES.find((rule) => text.includes(rule.text)) ?? DIED;
  const goawayReason = fault === "goaway" ? reasonInGoaway(text) : undefined;
  return {
    kind: "failed",
    sent,
    fault,
    reason: goawayReason ? `${reason}: ${goawayReason}` : reason,
    ...goawayReason && { goawayReason },
  };
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error
    ? `${thrown.message}: ${thrown.cause.message}`
    : thrown.message;
}

/** The debug data appears as a Rust byte string: `(b"{\"reason\":\"Shutdown\"}")`. */
function reasonInGoaway(text: string): string | undefined {
  return /\\"reason\\":\s*\\"([A-Za-z]{1,64})\\"/.exec(text)?.[1];
}
