import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
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

Deno.test("explain says why there are no targets", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const nothing = await service.call("GET", QUERY);
  assert.deepEqual(nothing.body.targets, []);
  assert.deepEqual(nothing.body.absent.map(({ code }: { code: string }) => code), [
    ...["no_subscription", "no_socket"],
  ]);
  const id = await service.subscribe({
    ...{ client: "app", transport: "gcm", token: "t", topics: ["ox:calendar:*"] },
  });
  const { body } = await service.call("GET", `${QUERY}&transport=gcm`);
  assert.deepEqual(body.absent, [{
    code: "topic_not_subscribed",
    client: "app",
    transport: "gcm",
    subscription: id,
    reason: "it subscribes to ox:calendar:*, not to ox:mail:new",
  }]);
  const other = await service.call("GET", `${QUERY}&transport=fcm&client=phone`);
  assert.equal(
    other.body.absent[0].reason,
    "the user has no subscription with transport gcm of client phone",
  );
  assert.deepEqual([other.body.hypothetical.enabled, other.body.hypothetical.serves], [
    true,
    false,
  ]);
});

Deno.test("explain shows tags, matching expressions, delays and limits", async () => {
  await using service = await startTestService({
    properties: {
      "com.openexchange.pns.delayDuration": 500,
      "com.openexchange.pns.maxDelayDuration": 700,
      "io.carillon.publish.maxPerSecondPerContext": 9,
    },
    files: {
      "contextSets/a.yml": `premium:\n  withTags: "acme & !trial"\n  addTags: gold\n` +
        `others:\n  withTags: "silver"\n  "${ENABLED}": false\n`,
    },
  });
  await service.call("PUT", "/v1/contexts/1/config", { body: { name: "acme" } });
  const { body } = await service.call("GET", `${QUERY}&priority=low`);
  assert.deepEqual(body.contextSets.tags, [
    { tag: "1", source: "context id" },
    { tag: "acme", source: "name of the context" },
    { tag: "gold", source: "addTags of 'premium'" },
  ]);
  assert.deepEqual(
    body.contextSets.sets.map((each: Record<string, unknown>) => [each.withTags, each.matches]),
    [["acme & !trial", true], ["silver", false]],
  );
  assert.deepEqual([body.delay.waitsMs, body.delay.atMostMs], [2000, 2800]);
  assert.equal(body.limits.maxPerSecondPerContext, 9);
});

Deno.test("explain of an id says what happened, and what would happen now", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const subscription = await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  const id = await service.publish();
  await service.settled(id);
  const body = { attributes: { "com.openexchange.pns.transport.gcm.enabled": false } };
  await service.call("PUT", "/v1/contexts/1/users/3/config", { body });
  const answer = await service.call("GET", `/v1/explain?id=${id}`);
  assert.equal(answer.body.happened.state, "delivered");
  assert.equal(answer.body.happened.targets[0].subscription, subscription);
  assert.deepEqual([answer.body.targets[0].send, answer.body.targets[0].state], [
    false,
    "disabled",
  ]);
  assertProblem(await service.call("GET", `/v1/explain?id=${id}&user=4`), "400 invalid_request");
  const unknown = "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa";
  assertProblem(await service.call("GET", `/v1/explain?id=${unknown}`), "404 not_found");
});

Deno.test("explain shows the message of a waiting notification, and what was shortened, without the token", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService({
    ...gcm.configuration,
    properties: {
      ...gcm.configuration.properties,
      "com.openexchange.pns.delayDuration": 60_000,
      "com.openexchange.pns.maxDelayDuration": 60_000,
    },
  });
  await service.subscribe({ client: "app", transport: "gcm", token: "the-secret-token" });
  const data = { ...NEW_MAIL.data, subject: "x".repeat(20_000) };
  const id = await service.publish({ data });
  const answer = await service.call("GET", `/v1/explain?id=${id}`);
  assert.equal(answer.body.happened.state, "in_flight");
  const [{ message }] = answer.body.targets;
  assert.equal(message.title, "Jane Doe");
  assert.ok(message.bytes <= message.maxBytes);
  assert.match(message.shortened.join(), /^body: \d+ of \d+ bytes are sent|data\.subject: dropped/);
  assert.ok(JSON.parse(message.payload) !== undefined);
  assert.ok(!answer.text.includes("the-secret-token"));
});

Deno.test("a key of one context explains no notification of another", async () => {
  await using service = await startTestService();
  const id = await service.publish();
  const { secret: key } = await service.mintKeyOf({ scopes: ["read"], contexts: ["2"] });
  assertProblem(await service.call("GET", `/v1/explain?id=${id}`, { key }), "403 forbidden");
  assertProblem(await service.call("GET", QUERY, { key }), "403 forbidden");
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
