/**
 * Which address a webhook may be sent to: what the original's `uriValidationMode` allows, and never
 * more than the webhook's own host where that is compared. Compares texts; `webhook_client.ts`
 * checks what a name resolves to. Pure.
 */

import { hostFault } from "../http/public_address.ts";
import { uriFault, type WebhookOptions } from "./settings.ts";

interface WebhookAddressRules {
  /** `com.openexchange.pns.transport.webhooks.httpsOnly`, as it is for the user. */
  readonly httpsOnly: boolean;
  /** `com.openexchange.pns.transport.webhooks.allowLocalWebhooks`. */
  readonly allowLocal: boolean;
}

/** The address to use, or why there is none. */
type WebhookAddress =
  | { readonly ok: true; readonly uri: string }
  | { readonly ok: false; readonly reason: string };

/** The address of a subscription: the one that the client named, or the configured one. */
export function webhookAddress(
  { uri: configured, uriValidationMode: mode }: Pick<WebhookOptions, "uri" | "uriValidationMode">,
  named: string | undefined,
): WebhookAddress {
  if (named === undefined || named === "") {
    return configured === undefined
      ? refused("neither the client nor 'webhooks.yml' names an address")
      : { ok: true, uri: new URL(configured).href };
  }
  const fault = uriFault(named);
  if (fault) return refused(`the address ${fault}`);
  const uri = new URL(named);
  if (mode === "none") {
    // Any host, but only where web servers are: other services listen at other ports.
    return uri.port === "" || uri.origin === URL.parse(configured ?? "")?.origin
      ? { ok: true, uri: uri.href }
      : refused("the port of the address is not that of its protocol");
  }
  const base = new URL(configured!);
  if (mode === "exact") {
    return uri.href === base.href ? { ok: true, uri: uri.href } : refused(
      "the address is not the configured one",
    );
  }
  // `host` has the port where it is not the protocol's own. The original takes any port where none
  // is configured; that would reach every service of the host.
  const isBelow = uri.protocol === base.protocol && uri.host === base.host &&
    uri.pathname.startsWith(base.pathname);
  return isBelow
    ? { ok: true, uri: uri.href }
    : refused("the address does not begin with the configured one");
}

/** Why an address must not be called, whatever its webhook allows, or `undefined`. */
export function addressFault(
  uri: string,
  { httpsOnly, allowLocal }: WebhookAddressRules,
): string | undefined {
  const { protocol, hostname } = new URL(uri);
  if (httpsOnly && protocol !== "https:") return "the address does not begin with https:";
  if (allowLocal) return undefined;
  const fault = hostFault(hostname);
  return fault && `the address: ${fault}`;
}

function refused(reason: string): WebhookAddress {
  return { ok: false, reason };
}
