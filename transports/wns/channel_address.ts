/**
 * Checks channel addresses. Clients supply them, so any host outside Microsoft's domain is refused
 * when a client subscribes and again before each send.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/firewall-allowlist-config
 */

import { ServiceError } from "../../core/errors.ts";
import { createHostCheck, type HostCheck } from "../http/mod.ts";

const HOSTS = ["notify.windows.com", "*.notify.windows.com"];
const MAX_LENGTH = 2048;

/** Creates a check that returns why a channel address is refused, or `undefined`. */
export function createChannelCheck(moreHosts: readonly string[] = []): HostCheck {
  const checkHost = createHostCheck([...HOSTS, ...moreHosts]);
  return (address) => {
    if (address.length > MAX_LENGTH) return `it has more than ${MAX_LENGTH} characters`;
    if (!/^[\x21-\x7e]+$/.test(address)) {
      return "it contains a character that URLs must not contain";
    }
    return checkHost(address);
  };
}

/**
 * Reads a channel address from a client, in the form that is stored.
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
