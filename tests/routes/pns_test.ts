import assert from "node:assert/strict";
import { type CallOptions } from "../support/api.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

const BODY = { client: "app", transport: "gcm", token: "t1", topics: ["ox:mail:new"] };

/** As the original's clients call it: the session is a parameter. */
async function pns(
  service: TestService,
  action: string,
  { session, ...options }: CallOptions & { readonly session: string },
) {
  const path = `/ajax/pns?action=${action}&session=${encodeURIComponent(session)}`;
  return await service.call("PUT", path, { key: null, ...options });
}

async function subscriptions(service: TestService) {
  return (await service.call("GET", "/v1/subscriptions")).body.items;
}

Deno.test("the original's clients subscribe and unsubscribe", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const made = await pns(service, "subscribe", { session, body: BODY });
  assert.equal(made.status, 200);
  assert.deepEqual(made.body, { data: { success: true } });
  const [{ context, user, client, topics, expires }] = await subscriptions(service);
  assert.deepEqual([context, user, client, topics], ["1", "3", "app", ["ox:mail:new"]]);
  assert.equal(expires, undefined);
  const { topics: _, ...token } = BODY;
  const gone = await pns(service, "unsubscribe", { session, body: token });
  assert.deepEqual(gone.body, { data: { success: true } });
  assert.deepEqual(await subscriptions(service), []);
});

Deno.test("unsubscribing what was never subscribed succeeds, as with the original", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const { status, body } = await pns(service, "unsubscribe", { session, body: BODY });
  assert.deepEqual([status, body], [200, { data: { success: true } }]);
});

Deno.test("the original's other path, aliases, expiry and unknown fields are taken", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const expires = Date.now() + 3_600_000;
  const body = { ...BODY, transport: "fcm", expires, colour: "red" };
  const path = `/appsuite/api/pns?action=subscribe&session=${session}`;
  assert.deepEqual((await service.call("PUT", path, { key: null, body })).body, {
    data: { success: true },
  });
  const [found] = await subscriptions(service);
  assert.equal(found.transport, "gcm");
  assert.equal(Date.parse(found.expires), expires);
});

Deno.test("errors have the original's envelope and numbers", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const cases = [
    ["subscribe", { ...BODY, topics: ["ox.mail"] }, "PNS-0007"],
    ["subscribe", { ...BODY, topics: ["a:*:b"] }, "PNS-0007"],
    ["subscribe", { ...BODY, transport: "pigeon" }, "PNS-0005"],
    ["unsubscribe", { ...BODY, transport: "pigeon" }, "PNS-0005"],
    ["subscribe", { ...BODY, topics: undefined }, "SVL-0010"],
    ["subscribe", { ...BODY, token: undefined }, "SVL-0010"],
    ["subscribe", "{", "SVL-0010"],
    ["dance", BODY, "SVL-0010"],
  ] as const;
  for (const [action, body, code] of cases) {
    const answer = await pns(service, action, { session, body });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.code, code, answer.text);
    assert.equal(answer.body.data, undefined);
    assert.equal(answer.body.error, answer.body.error_desc);
    assert.ok(Array.isArray(answer.body.error_params));
  }
  assert.deepEqual(await subscriptions(service), []);
});

Deno.test("an unknown session gets the original's error", async () => {
  await using service = await startTestService();
  const { status, body } = await pns(service, "subscribe", { session: "unknown", body: BODY });
  assert.equal(status, 200);
  assert.equal(body.code, "SES-0203");
});

Deno.test("too many subscriptions have the original's number", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.subscriptions.maxPerUser": 1 },
  });
  const session = await service.mint();
  await pns(service, "subscribe", { session, body: BODY });
  const body = { ...BODY, token: "t2" };
  assert.equal((await pns(service, "subscribe", { session, body })).body.code, "PNS-0013");
});
