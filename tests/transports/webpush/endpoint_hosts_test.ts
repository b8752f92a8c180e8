import assert from "node:assert/strict";
import { createEndpointRouter } from "../../../transports/webpush/endpoint_hosts.ts";

const route = createEndpointRouter();

for (
  const [endpoint, queue] of [
    ["https://fcm.googleapis.com/fcm/send/abc", "google"],
    ["https://fcm.googleapis.com/wp/abc", "google"],
    ["https://jmt17.google.com/fcm/send/abc", "chromium"],
    ["https://updates.push.services.mozilla.com/wpush/v2/abc", "mozilla"],
    ["https://wns2-by3p.notify.windows.com/w/?token=abc", "microsoft"],
    ["https://web.push.apple.com/abc", "apple"],
  ] as const
) {
  Deno.test(`${new URL(endpoint).hostname} is the push service of ${queue}`, () => {
    const found = route(new URL(endpoint));
    assert.ok(typeof found === "object");
    assert.equal(found.queue, queue);
    assert.equal(found.trust, "known");
  });
}

for (
  const endpoint of [
    "https://android.googleapis.com/gcm/send/abc",
    "https://evilnotify.windows.com/w/?token=abc",
    "https://fcm.googleapis.com.evil.example/fcm/send/abc",
    "https://fcm.googleapis.com:8443/fcm/send/abc",
    "https://user@fcm.googleapis.com/fcm/send/abc",
    "https://push.apple.com/abc",
    "https://169.254.169.254/latest/meta-data",
    "https://push.example.org/abc",
  ]
) {
  Deno.test(`${endpoint} is not allowed`, () => {
    assert.equal(typeof route(new URL(endpoint)), "string");
  });
}

Deno.test("an operator's host is allowed with the port that was named, and only that", () => {
  const own = createEndpointRouter({ hosts: ["localhost:9443"] });
  assert.deepEqual(own(new URL("https://localhost:9443/x")), {
    queue: "host localhost:9443",
    trust: "own",
    oneHost: true,
  });
  assert.equal(typeof own(new URL("https://localhost/x")), "string");
});

Deno.test("any public host is allowed only where an operator asks for it", () => {
  const open = createEndpointRouter({ anyPublicHost: true });
  const found = open(new URL("https://push.example.org/abc"));
  assert.ok(typeof found === "object" && found.trust === "public");
});

for (
  const endpoint of [
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://localhost/x",
    "https://intranet/x",
    "https://push.example.org:22/x",
    "https://user:word@push.example.org/x",
    "http://push.example.org/x",
  ]
) {
  Deno.test(`${endpoint} is not any public host`, () => {
    const open = createEndpointRouter({ anyPublicHost: true });
    assert.equal(typeof open(new URL(endpoint)), "string");
  });
}
