/**
 * Checks which hosts a client's address may name, so that a subscription cannot make the service
 * call into a private network. It compares names only; the runtime's network permissions guard what
 * they resolve to.
 */

import { ServiceError } from "../../core/errors.ts";

/** Returns why an address is refused, or `undefined` where it is allowed. */
export type HostCheck = (address: string) => string | undefined;

interface AllowedHost {
  /** The name, or the suffix with its leading dot. */
  readonly name: string;
  readonly wildcard: boolean;
  /** Empty: the default port of https. */
  readonly port: string;
}

const ENTRY = /^(\*\.)?([^*/\\?#@\s]+)$/;

/**
 * Creates a check that allows `https` addresses of the given hosts: `fcm.googleapis.com`,
 * `*.notify.windows.com` (subdomains only) or `localhost:9443`. Only an entry with a port allows a
 * port other than 443.
 *
 * @throws {ServiceError} `invalid_configuration` for an entry of another form.
 */
export function createHostCheck(entries: readonly string[]): HostCheck {
  const allowed = entries.map(parseEntry);
  return (address) => {
    const url = URL.parse(address);
    if (!url) return "it is not an absolute URL";
    if (url.protocol !== "https:") return "it does not begin with https:";
    if (url.username || url.password) return "it contains a user name or password";
    const host = hostName(url);
    const isAllowed = allowed.some(({ name, wildcard, port }) =>
      port === url.port && (wildcard ? host.endsWith(name) : host === name)
    );
    return isAllowed ? undefined : "its host is not allowed";
  };
}

function parseEntry(entry: string): AllowedHost {
  const [, wildcard, host = ""] = ENTRY.exec(entry) ?? [];
  const url = URL.parse(`https://${host}`);
  if (!url) {
    throw new ServiceError(
      "invalid_configuration",
      `Cannot allow host '${entry}': expected 'host', 'host:port' or '*.domain'`,
    );
  }
  return { name: (wildcard ? "." : "") + hostName(url), wildcard: !!wildcard, port: url.port };
}

/** A name with its root dot is the same host; `URL` has lower-cased it already. */
function hostName(url: URL): string {
  return url.hostname.replace(/\.$/, "");
}
