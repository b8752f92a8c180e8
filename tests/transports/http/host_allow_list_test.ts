import assert from "node:assert/strict";
import { ServiceError } from "../../../core/errors.ts";
import { createHostCheck } from "../../../transports/http/host_allow_list.ts";

const check = createHostCheck(["fcm.googleapis.com", "*.notify.windows.com", "localhost:9443"]);

Deno.test("createHostCheck() allows the listed hosts", () => {
  for (
    const address of [
      "https://fcm.googleapis.com/fcm/send/x",
      "https://FCM.GoogleAPIs.com/x",
      "https://fcm.googleapis.com./x",
      "https://fcm.googleapis.com:443/x",
      "https://db5p.notify.windows.com/w/?token=x",
      "https://a.b.notify.windows.com/",
      "https://localhost:9443/x",
    ]
  ) assert.equal(check(address), undefined, address);
});

Deno.test("createHostCheck() refuses every other host", () => {
  for (
    const address of [
      "https://evilnotify.windows.com/",
      "https://notify.windows.com/",
      "https://notify.windows.com.evil.example/",
      "https://x.fcm.googleapis.com/",
      "https://fcm.googleapis.com:8443/",
      "https://localhost/",
      "https://localhost:9444/",
      "https://127.0.0.1/",
      "https://[::1]/",
      "https://169.254.169.254/latest/meta-data",
      "https://0x7f000001/",
      "https://evil.example/#.notify.windows.com",
      "https://evil.example\\.notify.windows.com/",
    ]
  ) assert.match(check(address)!, /host/, address);
});

Deno.test("createHostCheck() refuses anything but a plain https address", () => {
  assert.match(check("http://fcm.googleapis.com/")!, /https/);
  assert.match(check("https://fcm.googleapis.com@evil.example/")!, /user name/);
  assert.match(check("https://user:secret@fcm.googleapis.com/")!, /user name/);
  assert.match(check("fcm.googleapis.com")!, /URL/);
  assert.match(check("")!, /URL/);
});

Deno.test("createHostCheck() does not repeat the address in its answer", () => {
  assert.ok(!check("https://evil.example/secret")!.includes("secret"));
});

Deno.test("createHostCheck() accepts addresses of the network as entries", () => {
  const local = createHostCheck(["127.0.0.1:9443", "[::1]:9443"]);
  assert.equal(local("https://127.0.0.1:9443/"), undefined);
  assert.equal(local("https://[::1]:9443/"), undefined);
});

Deno.test("createHostCheck() refuses entries that are no hosts", () => {
  for (
    const entry of ["", "*", "https://a.example", "a.example/path", "a.*.example", "u@a.example"]
  ) {
    assert.throws(
      () => createHostCheck([entry]),
      (error) => error instanceof ServiceError && error.code === "invalid_configuration",
      entry,
    );
  }
});
