import assert from "node:assert/strict";
import {
  hostFault,
  isPublicAddress,
  resolvedFault,
} from "../../../transports/http/public_address.ts";

const PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.169.0.1", "2606:4700:4700::1111"];
const NOT_PUBLIC = [
  ["0.0.0.0", "this host"],
  ["10.1.2.3", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["127.0.0.1", "loopback"],
  ["169.254.169.254", "link-local, where clouds keep credentials"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.0.2.1", "documentation"],
  ["192.168.1.1", "private"],
  ["198.18.0.1", "benchmarks"],
  ["224.0.0.1", "multicast"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::ffff:10.0.0.1", "IPv4-mapped"],
  ["::ffff:7f00:1", "IPv4-mapped, in hexadecimal"],
  ["::ffff:8.8.8.8", "IPv4-mapped, even of a public one"],
  ["::127.0.0.1", "IPv4-compatible"],
  ["64:ff9b::7f00:1", "NAT64"],
  ["2002:7f00:1::", "6to4"],
  ["2001:0:7f00:1::", "Teredo"],
  ["2001:db8::1", "documentation"],
  ["fc00::1", "unique local"],
  ["fd12:3456::1", "unique local"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "with a zone"],
  ["ff02::1", "multicast"],
  ["localhost", "a name"],
  ["", "nothing"],
] as const;

for (const address of PUBLIC) {
  Deno.test(`${address} is public`, () => assert.equal(isPublicAddress(address), true));
}

for (const [address, what] of NOT_PUBLIC) {
  Deno.test(`'${address}' (${what}) is not public`, () => {
    assert.equal(isPublicAddress(address), false);
  });
}

Deno.test("local names are refused without resolving them", () => {
  for (
    const name of ["localhost", "localhost.", "intranet", "nas.local", "db.internal", "a.localhost"]
  ) {
    assert.match(hostFault(name) ?? "", /local name/, name);
  }
});

Deno.test("however a URL writes a loopback address, it is refused", () => {
  for (const host of ["127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]) {
    assert.match(hostFault(new URL(`https://${host}/`).hostname) ?? "", /not a public/, host);
  }
});

Deno.test("a name is allowed if all of its addresses are public", async () => {
  assert.equal(await resolved(["1.1.1.1", "2606:4700:4700::1111"]), undefined);
});

Deno.test("one private address among public ones is enough to refuse a name", async () => {
  assert.match(await resolved(["1.1.1.1", "10.0.0.1"]) ?? "", /public addresses only/);
});

Deno.test("a name without addresses is refused", async () => {
  assert.match(await resolved([]) ?? "", /public addresses only/);
});

function resolved(addresses: readonly string[]): Promise<string | undefined> {
  return resolvedFault("push.example.org", () => Promise.resolve(addresses));
}
