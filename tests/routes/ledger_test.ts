import assert from "node:assert/strict";
import { assertProblem, type Settled } from "../support/api.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

const APPSUITE = "open-xchange-appsuite";

async function listenTo(service: TestService, connection = "c1") {
  return await listen(service.host, { session: await service.mint(), connection });
}

/** Everything of a record but the times. */
function plain({ acceptedAt, targets, ...rest }: Settled) {
  assert.ok(!Number.isNaN(Date.parse(acceptedAt)));
  return {
    ...rest,
    targets: targets.map(({ at, ...target }) => {
      assert.ok(at >= acceptedAt);
      return target;
    }),
  };
}

Deno.test("a notification without subscribers is suppressed, and its record says why", async () => {
  await using service = await startTestService();
  const id = await service.publish();
  assert.deepEqual(plain(await service.settled(id)), {
    ...{ id, context: "1", user: "3", topic: "ox:mail:new" },
    ...{ state: "suppressed", reason: "no_subscription", targets: [] },
  });
});

Deno.test("a notification that an open socket received is delivered", async () => {
  await using service = await startTestService();
  using listener = await listenTo(service);
  const id = await service.publish();
  assert.deepEqual(plain(await service.settled(id)), {
    ...{ id, context: "1", user: "3", topic: "ox:mail:new", state: "delivered" },
    targets: [{ client: APPSUITE, transport: "websocket", state: "sent" }],
  });
  assert.equal((await listener.received(1)).length, 1);
});

Deno.test("what only its source could have got is suppressed", async () => {
  await using service = await startTestService();
  using listener = await listenTo(service, "c1");
  const { state, targets } = await service.settled(await service.publish({ sourceToken: "c1" }));
  assert.equal(state, "suppressed");
  assert.deepEqual(targets.map(({ state }) => state), ["source"]);
  assert.equal(listener.events.length, 0);
});

Deno.test("what the configuration forbids is suppressed, and named", async () => {
  const off = "com.openexchange.pns.transport.websocket.enabled.open-xchange-appsuite.ox:mail:new";
  await using service = await startTestService({ properties: { [off]: false } });
  using _listener = await listenTo(service);
  const { state, targets: [target] } = await service.settled(await service.publish());
  assert.equal(`${state} ${target?.state}`, "suppressed disabled");
  assert.equal(
    target?.reason,
    "websocket is not enabled for open-xchange-appsuite and ox:mail:new",
  );
  assert.equal((await service.settled(await service.publish({ topic: "a" }))).state, "delivered");
});

Deno.test("every client and transport has its own entry", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  using _listener = await listenTo(service);
  const good = await service.subscribe({ client: "app", transport: "gcm", token: "good" });
  const big = await service.subscribe({ client: "app", transport: "fcm", token: "big" });
  const other = await service.subscribe({ client: "other", transport: "gcm", token: "t" });
  gcm.errors.set("big", "MessageTooBig");
  const { state, targets } = plain(await service.settled(await service.publish()));
  assert.equal(state, "delivered");
  const byKey = new Map(targets.map((each) => [each.subscription ?? each.client, each]));
  assert.deepEqual(byKey.get(APPSUITE), {
    client: APPSUITE,
    transport: "websocket",
    state: "sent",
  });
  assert.equal(byKey.get(good)?.state, "sent");
  assert.match(byKey.get(good)?.providerId ?? "", /^0:\d$/);
  assert.equal(byKey.get(big)?.state, "rejected");
  assert.equal(byKey.get(big)?.reason, "MessageTooBig");
  assert.equal(byKey.get(other)?.state, "unserved");
  assert.equal(byKey.get(other)?.reason, "gcm has no options for other");
});

Deno.test("a token that the provider calls dead is forgotten, and that is written down", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  await service.subscribe({ client: "app", transport: "gcm", token: "gone" });
  gcm.errors.set("gone", "NotRegistered");
  const { state, targets: [target] } = await service.settled(await service.publish());
  assert.equal(`${state} ${target?.state} ${target?.reason}`, "dead gone NotRegistered");
});

Deno.test("what waits is in flight, and expires when its time runs out", async () => {
  const clock = new FakeClock();
  await using service = await startTestService({
    properties: { "com.openexchange.pns.delayDuration": 2000 },
    clock,
  });
  const id = await service.publish({ ttl: 1 });
  const { body } = await service.call("GET", `/v1/notifications/${id}`);
  assert.deepEqual(plain(body), {
    ...{ id, context: "1", user: "3", topic: "ox:mail:new", state: "in_flight", targets: [] },
  });
  await clock.advance(3000);
  const { state, reason } = await service.settled(id);
  assert.equal(`${state} ${reason}`, "expired ttl");
});

Deno.test("of similar ones the older names the one that it was merged into", async () => {
  const clock = new FakeClock();
  await using service = await startTestService({
    properties: { "com.openexchange.pns.delayDuration": 1000 },
    clock,
  });
  using listener = await listenTo(service);
  const older = await service.publish({ data: { folder: "f", id: "1", unread: 1 } });
  const newer = await service.publish({ data: { folder: "f", id: "1", unread: 2 } });
  await clock.advance(1100);
  const { state, reason, mergedInto, targets } = await service.settled(older);
  assert.deepEqual({ state, reason, mergedInto, targets }, {
    ...{ state: "suppressed", reason: "merged", mergedInto: newer, targets: [] },
  });
  assert.equal((await service.settled(newer)).state, "delivered");
  assert.deepEqual(await listener.received(1), [
    ["ox:mail:new", { folder: "f", id: "1", unread: 2 }],
  ]);
});

Deno.test("a collapse key leaves only the newest", async () => {
  const clock = new FakeClock();
  await using service = await startTestService({
    properties: { "com.openexchange.pns.delayDuration": 1000 },
    clock,
  });
  using listener = await listenTo(service);
  const ids = await service.publishAll([1, 2, 3].map((n) => ({
    ...{ topic: "a:b", collapseKey: "k", data: { n } },
  })));
  await clock.advance(1100);
  assert.deepEqual(await listener.received(1), [["a:b", { n: 3 }, { collapseKey: "k" }]]);
  const states = await Promise.all(ids.map(async (id) => (await service.settled(id)).state));
  assert.deepEqual(states, ["suppressed", "suppressed", "delivered"]);
});

Deno.test("a record is found by its id in either case, and by nothing else", async () => {
  await using service = await startTestService();
  const id = await service.publish();
  await service.settled(id);
  const found = await service.call("GET", `/v1/notifications/${id.toUpperCase()}`);
  assert.equal(found.body.id, id);
  for (
    const wrong of [
      "0190163d-8694-739b-aea5-966c26f8ad90",
      "ffffffff-ffff-7fff-bfff-ffffffffffff",
      "not-an-id",
      "%00",
      "..",
      `${id}x`,
    ]
  ) {
    assertProblem(await service.call("GET", `/v1/notifications/${wrong}`), "404 not_found");
  }
});
