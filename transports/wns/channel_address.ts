/**
 * Which channel addresses may be called. They come from clients, so everything outside Microsoft's
 * domain is refused when a client subscribes and again before each send.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/firewall-allowlist-config
 */

import { ServiceError } from "../../core/errors.ts";
import { createHostCheck, type HostCheck } from "../http/mod.ts";

const HOSTS = ["notify.windows.com", "*.notify.windows.com"];
const MAX_LENGTH = 2048;

/** Says why a channel address is refused, or nothing where it may be called. */
export function createChannelCheck(moreHosts: readonly string[] = []): HostCheck {
  const checkHost = createHostCheck([...HOSTS, ...moreHosts]);
  return (address) => {
    if (address.length > MAX_LENGTH) return `it has more than ${MAX_LENGTH} characters`;
    if (!/^[\x21-\x7e]+$/.test(address)) return "it contains a character that URLs do not have";
    return checkHost(address);
  };
}

/**
 * A channel address as a client hands it in, in the form that is stored.
 *
 * @throws {ServiceError} `invalid_token`, with the reason.
 */
export function parseChannelAddress(raw: unknown, check: HostCheck): string {
  const fault = typeof raw === "string" ? check(raw) : "it is not a text";
  if (fault === undefined) {
    const url = new URL(raw as string);
    url.hash = "";
    return url.href;
  }
  throw new ServiceError("invalid_token", `Cannot take the channel address: ${fault}`);
}
