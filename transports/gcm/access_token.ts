/**
 * Gets an access token from Google with an assertion signed by the service account's key.
 * https://developers.google.com/identity/protocols/oauth2/service-account
 */

import { SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { HttpSender, MintedToken } from "../http/mod.ts";
import { readTokenAnswer } from "../clients/mod.ts";
import type { ServiceAccount } from "./service_account.ts";

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** The longest lifetime that Google accepts. */
const ASSERTION_SECONDS = 3600;
const DEFAULT_LIFETIME_MS = 3_600_000;

/** Signs the assertion (RFC 7523), valid for an hour from `nowMs` (epoch milliseconds). */
export function signAssertion(account: ServiceAccount, nowMs: number): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({
      alg: "RS256",
      typ: "JWT",
      ...account.keyId !== undefined && { kid: account.keyId },
    })
    .setIssuer(account.email)
    .setAudience(account.tokenUri)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ASSERTION_SECONDS)
    .sign(account.privateKey);
}

interface AccessTokenOptions {
  readonly pool: HttpSender;
  readonly tokenAddress: string;
  readonly clock: Pick<Clock, "now">;
}

/** Requests an access token; without one, returns the outcome of the messages that need it. */
export async function requestGoogleToken(
  account: ServiceAccount,
  { pool, tokenAddress, clock }: AccessTokenOptions,
): Promise<MintedToken<Outcome>> {
  const assertion = await signAssertion(account, clock.now());
  const result = await pool.post(tokenAddress, {
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: new URLSearchParams({ grant_type: GRANT, assertion }).toString(),
    // Many sends share the answer; the sender's timeout bounds it.
    signal: new AbortController().signal,
  });
  return readTokenAnswer(result, { nowMs: clock.now(), defaultLifetimeMs: DEFAULT_LIFETIME_MS });
}
