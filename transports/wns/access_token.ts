/**
 * Gets an access token from Microsoft, with the older flow for Store packages or with Entra's. The
 * tokens of the two flows are not interchangeable.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/wns-overview
 */

import type { Clock } from "../../core/clock.ts";
import type { Outcome } from "../../core/outcome.ts";
import { readTokenAnswer } from "../clients/mod.ts";
import type { HttpSender, MintedToken } from "../http/mod.ts";
import type { WnsOptions } from "./settings.ts";

/** A token request, ready to be posted as a form. */
interface TokenRequest {
  readonly address: string;
  readonly form: Readonly<Record<string, string>>;
}

const LEGACY_ADDRESS = "https://login.live.com/accesstoken.srf";
const DEFAULT_LIFETIME_MS = 86_400_000;

/** Builds the request for the flow of an entry. */
export function tokenRequest(options: WnsOptions): TokenRequest {
  const { sid, tenant, appid, secret, tokenaddress } = options;
  const grant = { grant_type: "client_credentials", client_secret: secret };
  if (sid !== undefined) {
    const id = sid.startsWith("ms-app://") ? sid : `ms-app://${sid}`;
    return {
      address: tokenaddress ?? LEGACY_ADDRESS,
      form: { ...grant, client_id: id, scope: "notify.windows.com" },
    };
  }
  return {
    address: tokenaddress ?? `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
    form: { ...grant, client_id: appid ?? "", scope: "https://wns.windows.com/.default" },
  };
}

/** Requests an access token; without one, returns the outcome of the messages that need it. */
export async function requestWnsToken(
  { address, form }: TokenRequest,
  { pool, clock }: { readonly pool: HttpSender; readonly clock: Pick<Clock, "now"> },
): Promise<MintedToken<Outcome>> {
  const result = await pool.post(address, {
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: new URLSearchParams(form).toString(),
    // Many sends share the answer; the sender's timeout bounds it.
    signal: new AbortController().signal,
  });
  return readTokenAnswer(result, { nowMs: clock.now(), defaultLifetimeMs: DEFAULT_LIFETIME_MS });
}
