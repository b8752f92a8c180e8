/**
 * Compares tokens by the address that they name. A Web Push token may contain the VAPID key of the
 * browser's subscription, which is not part of the address: a page that starts to send its key must
 * not be subscribed twice, and one that omits it keeps the stored key.
 */

import type { Subscription } from "../core/subscription.ts";

type Token = Pick<Subscription, "transport" | "token">;

/** The last member in the canonical text of a push subscription. */
const SERVER_KEY = /,"applicationServerKey":"[\w-]+"\}$/;

/** Returns the part of a token that names the address. */
export function addressOf({ transport, token }: Token): string {
  return transport === "webpush" ? token.replace(SERVER_KEY, "}") : token;
}

/**
 * Returns the token to store when a client subscribes an address again. A browser's subscription is
 * bound to its key for life (RFC 8292 §3), so a known key stays until the client sends another.
 */
export function tokenToKeep(known: Token, request: Token): string {
  return request.token === addressOf(request) ? known.token : request.token;
}
