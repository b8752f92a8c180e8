import assert from "node:assert/strict";
import { assertProblem } from "../support/api.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";

const ENABLED = "com.openexchange.pns.transport.websocket.enabled";
const QUERY = "/v1/explain?context=1&user=3&topic=ox:mail:new";

Deno.test("explain returns the targets and the settings that decide", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  using _listener = await listen(service.host, { session: await service.mint() });
  const subscription = await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  const { body: { targets } } = await service.call("GET", QUERY);
  const [socket, phone] = targets;
  assert.deepEqual([socket.client, socket.transport, socket.send], [
    ...["open-xchange-appsuite", "websocket", true],
  ]);
  assert.deepEqual([phone.subscription, phone.transport, phone.send], [subscription, "gcm", true]);
  const chosen = phone.trail.find((step: { chosen: boolean }) => step.chosen);
  assert.equal(chosen.key, "com.openexchange.pns.transport.gcm.enabled");
  assert.equal(chosen.scope, "server");
  assert.match(chosen.source, /^test\.properties:\d+/);
});

Deno.test("explain follows an attribute of the user", async () => {
  await using service = await startTestService();
  using _listener = await listen(service.host, { session: await service.mint() });
  const body = { attributes: { [`${ENABLED}.open-xchange-appsuite`]: false } };
  await service.call("PUT", "/v1/contexts/1/users/3/config", { body });
  const { body: { targets: [target] } } = await service.call("GET", QUERY);
  assert.equal(target.send, false);
  assert.equal(target.reason, "websocket is not enabled for open-xchange-appsuite and ox:mail:new");
  const chosen = target.trail.find((step: { chosen: boolean }) => step.chosen);
  assert.deepEqual([chosen.key, chosen.scope, chosen.value], [
    ...[`${ENABLED}.open-xchange-appsuite`, "user", "false"],
  ]);
});

Deno.test("explain sends nothing and writes nothing down", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  await service.call("GET", QUERY);
  await service.settled(await service.publish());
  assert.equal(gcm.arrived.length, 1);
});

Deno.test("explain wants a context, a user and a topic that can be published to", async () => {
  await using service = await startTestService();
  const cases = [
    ["/v1/explain", "400 invalid_request"],
    ["/v1/explain?context=1&user=3", "400 invalid_request"],
    ["/v1/explain?context=1&user=3&topic=ox.mail", "400 invalid_topic"],
    ["/v1/explain?context=1&user=3&topic=*", "400 invalid_topic"],
    [`${QUERY}&colour=red`, "400 invalid_request"],
  ] as const;
  for (const [path, expected] of cases) assertProblem(await service.call("GET", path), expected);
});
