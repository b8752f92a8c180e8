/**
 * Which tokens name the same address. A Web Push token may carry the VAPID key that the browser's
 * subscription was made with; that is knowledge about the address and no part of it. Pages that
 * begin to say their key must not be subscribed twice, and those that leave it out keep it.
 */

import type { Subscription } from "../core/subscription.ts";

type Token = Pick<Subscription, "transport" | "token">;

/** In the canonical text of a push subscription it comes last. */
const SERVER_KEY = /,"applicationServerKey":"[\w-]+"\}$/;

/** The part of a token that names the address. */
export function addressOf({ transport, token }: Token): string {
  return transport === "webpush" ? token.replace(SERVER_KEY, "}") : token;
}

/**
 * The token to store where a client subscribes an address again. A browser's subscription is bound
 * to its key for life (RFC 8292 §3), so a key that was named once holds until another is named.
 */
export function tokenToKeep(known: Token, request: Token): string {
  return request.token === addressOf(request) ? known.token : request.token;
}
