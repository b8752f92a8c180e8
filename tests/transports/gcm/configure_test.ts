/**
 * Clients of the transport `gcm`: which are served, which faults are reported, what a reload keeps.
 */

import assert from "node:assert/strict";
import { createGcmTransport, type GcmOptions } from "../../../transports/gcm/mod.ts";
import { testEngines } from "../http/_engines.ts";
import { account, configured, FILES, gcmDeps, never, sent, startGoogle } from "./_google.ts";
import { filesOf, mailMessage, targetOf } from "./fake_provider.ts";

testEngines(
  "gcm keeps its access token where a new configuration leaves the client as it was",
  async (makeEngine) => {
    await using google = startGoogle(sent);
    await using transport = await configured(makeEngine, google.origin);
    const options: GcmOptions = {
      serviceaccount: "/account.json",
      address: google.origin,
      tokenaddress: `${google.origin}/token`,
      cafile: "/ca.pem",
    };
    const send = () => transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    await send();
    await transport.configure(new Map([["app", { ...options }], ["other", { key: "AIza" }]]));
    await send();
    assert.equal(google.seen.filter(({ path }) => path === "/token").length, 1);
  },
);

testEngines("gcm reloads a service account whose file has changed", async (makeEngine) => {
  await using google = startGoogle(sent);
  const files = { ...FILES };
  await using transport = createGcmTransport({
    ...gcmDeps(makeEngine, {}),
    readTextFile: (path) => filesOf(files)(path),
  });
  const options = new Map([["app", {
    serviceaccount: "/account.json",
    address: google.origin,
    tokenaddress: `${google.origin}/token`,
    cafile: "/ca.pem",
  }]]);
  const send = () => transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  await transport.configure(options);
  await send();
  files["/account.json"] = JSON.stringify({ ...JSON.parse(account.json), project_id: "second" });
  await transport.configure(options);
  await send();
  assert.equal(google.seen.filter(({ path }) => path === "/token").length, 2);
  assert.equal(google.seen.at(-1)?.path, "/v1/projects/second/messages:send");
});

testEngines(
  "gcm names client and file of every invalid entry and serves the others",
  async (makeEngine) => {
    await using transport = createGcmTransport(gcmDeps(makeEngine, {
      ...FILES,
      "/broken.json": "{",
      "/empty.pem": "nothing",
      "/garbage.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    }));
    const faults = await transport.configure(
      new Map<string, GcmOptions>([
        ["good", { key: "AIza" }],
        ["missing", { serviceaccount: "/nowhere.json" }],
        ["broken", { serviceaccount: "/broken.json" }],
        ["noca", { key: "AIza", cafile: "/empty.pem" }],
        ["badca", { key: "AIza", cafile: "/garbage.pem" }],
      ]),
    );
    assert.deepEqual(faults, [
      { client: "missing", file: "/nowhere.json", message: "does not exist" },
      { client: "broken", file: "/broken.json", message: "is not valid JSON" },
      { client: "noca", file: "/empty.pem", message: "contains no PEM certificate" },
      {
        client: "badca",
        file: "/garbage.pem",
        message: "contains a certificate that cannot be read",
      },
    ]);
    assert.equal(transport.serves("good"), true);
    assert.equal(transport.serves("missing"), false);
    assert.deepEqual(
      transport.status().map(({ client, ready }) => [client, ready]),
      [["badca", false], ["broken", false], ["good", true], ["missing", false], ["noca", false]],
    );
  },
);

for (
  const [error, message] of [
    [new Deno.errors.PermissionDenied(), "may not be read by this service"],
    [new Deno.errors.NotCapable(), "may not be read by this service"],
    [new Deno.errors.IsADirectory(), "cannot be read"],
  ] as const
) {
  testEngines(
    `gcm says of a file that fails with ${error.name} that it ${message}`,
    async (makeEngine) => {
      await using transport = createGcmTransport({
        ...gcmDeps(makeEngine, {}),
        readTextFile: () => Promise.reject(error),
      });
      const faults = await transport.configure(new Map([["app", { serviceaccount: "/a.json" }]]));
      assert.deepEqual(faults, [{ client: "app", file: "/a.json", message }]);
    },
  );
}

testEngines(
  "gcm answers for a client that is not configured without a call",
  async (makeEngine) => {
    await using transport = createGcmTransport(gcmDeps(makeEngine));
    const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    assert.equal(outcome.kind, "misconfigured");
  },
);
