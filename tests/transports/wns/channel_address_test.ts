import assert from "node:assert/strict";
import { ServiceError } from "../../../core/errors.ts";
import { createChannelCheck, parseChannelAddress } from "../../../transports/wns/mod.ts";

const check = createChannelCheck();

for (
  const address of [
    "https://wns2-by3p.notify.windows.com/?token=AwYAAAB%2f",
    "https://db5p.notify.windows.com:443/?token=x",
    "https://notify.windows.com/?token=x",
    "https://DB5P.Notify.Windows.com/?token=x",
    "https://db5p.notify.windows.com./?token=x",
  ]
) {
  Deno.test(`a channel may be at ${address}`, () => {
    assert.equal(check(address), undefined);
  });
}

for (
  const address of [
    "http://db5p.notify.windows.com/?token=x",
    "https://evilnotify.windows.com/?token=x",
    "https://notify.windows.com.evil.example/?token=x",
    "https://evil.example/notify.windows.com",
    "https://db5p.notify.windows.com@evil.example/",
    "https://user:pass@db5p.notify.windows.com/",
    "https://db5p.notify.windows.com:8443/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "file:///etc/passwd",
    "//db5p.notify.windows.com/",
    "https://db5p.notify.windows.com/ x",
    "https://db5p.notify.windows.com/\n",
    "https://db5p.notify.windows.com/" + "x".repeat(2048),
    "",
  ]
) {
  Deno.test(`a channel may not be at ${JSON.stringify(address.slice(0, 60))}`, () => {
    assert.throws(
      () => parseChannelAddress(address, check),
      (error) => error instanceof ServiceError && error.code === "invalid_token",
    );
  });
}

Deno.test("parseChannelAddress() gives one form to spellings of one address", () => {
  const canonical = "https://db5p.notify.windows.com/?token=AwYAAAB%2f";
  for (const raw of [canonical, "HTTPS://DB5P.notify.windows.com:443/?token=AwYAAAB%2f#x"]) {
    assert.equal(parseChannelAddress(raw, check), canonical);
  }
});

Deno.test("parseChannelAddress() refuses what is not a text, and quotes nothing", () => {
  for (const raw of [7, null, undefined, {}, ["https://db5p.notify.windows.com/"]]) {
    assert.throws(() => parseChannelAddress(raw, check), /it is not a text/);
  }
  assert.throws(
    () => parseChannelAddress("https://evil.example/?token=secret", check),
    (error) => error instanceof Error && !error.message.includes("secret"),
  );
});

Deno.test("createChannelCheck() allows the hosts that an operator adds, with their port", () => {
  const wider = createChannelCheck(["localhost:9443"]);
  assert.equal(wider("https://localhost:9443/channel/1"), undefined);
  assert.equal(wider("https://db5p.notify.windows.com/?token=x"), undefined);
  assert.notEqual(wider("https://localhost/channel/1"), undefined);
});
