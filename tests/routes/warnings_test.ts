/** Warnings about subscriptions that get nothing, because of the options of their client. */

import assert from "node:assert/strict";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";

const WHO = { context: "1", user: "3", topics: ["ox:mail:*"] };
const QUERY = "/v1/explain?context=1&user=3&topic=ox:mail:new";
const TOKENS = [
  ["apn", "a".repeat(64), "pns-apns-options.yml"],
  ["gcm", "t1", "pns-gcm-options.yml"],
  ["wns", "https://db3.notify.windows.com/?token=x", "pns-wns-options.yml"],
] as const;

Deno.test("a subscription for a client without options is taken with a warning that names the file", async () => {
  await using service = await startTestService();
  for (const [transport, token, file] of TOKENS) {
    const body = { ...WHO, client: "nobody", transport, token };
    const { status, body: made } = await service.call("POST", "/v1/subscriptions", { body });
    const warning = `Cannot send to client 'nobody' over ${transport}: ` +
      `${file} has no usable entry for it`;
    assert.deepEqual([status, made.warnings], [201, [warning]]);
    const repeated = await service.call("POST", "/v1/subscriptions", { body });
    assert.deepEqual([repeated.status, repeated.body.warnings], [200, [warning]]);
    const { body: shown } = await service.call("GET", `/v1/subscriptions/${made.id}`);
    assert.equal(shown.warnings, undefined);
  }
});

Deno.test("a subscription for a client with options has no warnings", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const body = { ...WHO, client: "app", transport: "fcm", token: "t1" };
  const { status, body: made } = await service.call("POST", "/v1/subscriptions", { body });
  assert.deepEqual([status, made.warnings], [201, undefined]);
  assert.equal((await service.call("GET", QUERY)).body.warnings, undefined);
});

Deno.test("a client with faulty options is warned of without what is wrong with them", async () => {
  await using service = await startTestService({
    files: { "pns-gcm-options.yml": "bad:\n  serviceaccount: /does/not/exist.json\n" },
  });
  const body = { ...WHO, client: "bad", transport: "gcm", token: "t1" };
  const { body: made } = await service.call("POST", "/v1/subscriptions", { body });
  assert.deepEqual(made.warnings, [
    "Messages to client 'bad' over gcm wait: its options are faulty",
  ]);
});

Deno.test("a warning ends with a reload that adds the client", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService();
  const body = { ...WHO, client: "app", transport: "gcm", token: "t1" };
  const subscribe = () => service.call("POST", "/v1/subscriptions", { body });
  assert.equal((await subscribe()).body.warnings.length, 1);
  await service.configure("pns-gcm-options.yml", gcm.configuration.files["pns-gcm-options.yml"]);
  await service.call("POST", "/v1/admin/reload");
  assert.equal((await subscribe()).body.warnings, undefined);
});

Deno.test("explain warns once of each client without options, and not of sockets", async () => {
  await using service = await startTestService();
  using _listener = await listen(service.host, { session: await service.mint() });
  for (const token of ["t1", "t2"]) {
    await service.subscribe({ ...WHO, client: "nobody", transport: "gcm", token });
  }
  const { body } = await service.call("GET", QUERY);
  assert.equal(body.targets.length, 3);
  assert.deepEqual(body.warnings, [
    "Cannot send to client 'nobody' over gcm: pns-gcm-options.yml has no usable entry for it",
  ]);
});

Deno.test("the API's description has the warnings", async () => {
  await using service = await startTestService();
  const { components } = (await service.call("GET", "/openapi.json")).body;
  for (const schema of ["Subscribed", "Explanation"]) {
    assert.ok(JSON.stringify(components.schemas[schema]).includes('"warnings"'), schema);
  }
});
