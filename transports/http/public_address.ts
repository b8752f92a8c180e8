/**
 * Recognizes addresses of the public internet, so that an endpoint on "any public host" cannot make
 * the service call into its own network. A name may resolve differently between this check and the
 * connection: the runtime's `--deny-net` list is the second barrier, and the reason why the option
 * is off by default.
 */

import { BlockList, isIP } from "node:net";

/** Resolves a name to all of its IPv4 and IPv6 addresses; rejects where there are none. */
export type ResolveHost = (hostname: string, signal?: AbortSignal) => Promise<readonly string[]>;

/** IANA special-purpose registries: what is not globally reachable, and multicast. */
const NOT_PUBLIC_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
/** All public addresses are in here, except those of the next list. */
const GLOBAL_UNICAST_V6 = "2000::/3";
const NOT_PUBLIC_V6 = [
  // Protocol assignments with Teredo (2001::/32), which embeds IPv4 addresses, as does 6to4.
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
];

const notPublicV4 = blockList(NOT_PUBLIC_V4, "ipv4");
const globalUnicastV6 = blockList([GLOBAL_UNICAST_V6], "ipv6");
const notPublicV6 = blockList(NOT_PUBLIC_V6, "ipv6");

/** Whether an IPv4 or IPv6 address is public. IPv4 embedded in IPv6 never is. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublicV4.check(address, "ipv4");
    case 6:
      return !address.includes("%") && globalUnicastV6.check(address, "ipv6") &&
        !notPublicV6.check(address, "ipv6");
    default:
      return false;
  }
}

/** Returns why a URL's host can never be public, or `undefined` where it may be. */
export function hostFault(hostname: string): string | undefined {
  const literal = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal)) {
    return isPublicAddress(literal) ? undefined : "its host is not a public address";
  }
  const name = hostname.replace(/\.$/, "");
  const local = !name.includes(".") || /\.(?:local|localhost|internal|home\.arpa)$/.test(name);
  return local ? "its host is a local name" : undefined;
}

/** Returns why a host must not be called, or `undefined`: all its addresses must be public. */
export async function resolvedFault(
  hostname: string,
  resolve: ResolveHost,
): Promise<string | undefined> {
  const fault = hostFault(hostname);
  if (fault || isIP(hostname.replace(/^\[(.*)\]$/, "$1"))) return fault;
  const addresses = await resolve(hostname);
  return addresses.length > 0 && addresses.every(isPublicAddress)
    ? undefined
    : "its host does not resolve to public addresses only";
}

function blockList(subnets: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net, prefix] = subnet.split("/");
    list.addSubnet(net!, Number(prefix), family);
  }
  return list;
}
