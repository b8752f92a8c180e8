/**
 * Classifies errors of `fetch`. Deno describes them only in the text of the cause, which comes from
 * Rust crates, so this file and `failures.ts` alone match it; a test provokes each real error and
 * fails if a new Deno changes a text.
 */

import {
  BLOCKED,
  BROKEN,
  type FaultRule,
  goawayFailure,
  NO_CONNECTION,
  REFUSED,
  TLS_RULES,
  unsent,
} from "./failures.ts";
import type { HttpFailure } from "./http_sender.ts";

/** A GOAWAY's text contains those of broken streams, a connect error any other. */
const RULES: readonly FaultRule[] = [
  ["Requires net access", BLOCKED],
  ["are blocked", unsent("blocked", "the runtime blocks this port")],
  ...TLS_RULES,
  ["client error (Connect)", NO_CONNECTION],
  [
    "request was canceled",
    unsent("connect", "the connection was closed before the request was sent"),
  ],
  ["refused stream before processing", REFUSED],
];

/** Classifies an error of `fetch` or of reading the body. The caller handles aborts. */
export function classifyFetchFault(thrown: unknown): HttpFailure {
  const text = textOf(thrown);
  const known = RULES.find(([part]) => text.includes(part))?.[1];
  if (known) return known;
  return text.includes("connection error received")
    ? goawayFailure(reasonInGoaway(text), { sent: "unknown" })
    : BROKEN;
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
