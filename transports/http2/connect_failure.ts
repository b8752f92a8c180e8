/**
 * What a TLS connection that did not come about means. Deno tells a part of it in texts that come
 * from Rust crates, so they are matched in this one place; tests provoke every real error.
 */

import type { FetchFault, HttpFailure } from "../http/mod.ts";

/** The far side has not agreed to HTTP/2. */
export const NO_HTTP2 = unsent("no_h2", "the server does not speak HTTP/2");
/** Nobody there, or nobody who says anything. */
export const NO_CONNECTION = unsent("connect", "no connection to the server");
/** The far side has not answered in time. */
export const NO_CONNECTION_IN_TIME = unsent("connect", "no connection to the server in time");

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

/** The failure that stands for an error of `Deno.connectTls` or of the handshake. */
export function connectFailure(thrown: unknown): HttpFailure {
  if (thrown instanceof Deno.errors.NotCapable) return BLOCKED;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return RULES.find(([part]) => text.includes(part))?.[1] ?? NO_CONNECTION;
}

function unsent(fault: FetchFault, reason: string): HttpFailure {
  return { kind: "failed", sent: "no", fault, reason };
}
