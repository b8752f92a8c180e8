import assert from "node:assert/strict";
import { assertProblem, pathsOf } from "../support/api.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { startTestService } from "../support/start_service.ts";

const PATH = "/v1/subscriptions";
const PHONE = { client: "app", transport: "gcm", token: "t1", topics: ["ox:mail:*"] };
const WHO = { context: "1", user: "3" };

Deno.test("a subscription is made, shown without its token, and removed", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const made = await service.call("POST", PATH, { body: { ...WHO, ...PHONE, meta: { os: "17" } } });
  assert.equal(made.status, 201);
  assert.ok(!made.text.includes("t1"));
  const { id, createdAt, refreshedAt, ...rest } = made.body;
  assert.equal(createdAt, refreshedAt);
  assert.deepEqual(rest, {
    ...{ ...WHO, client: "app", transport: "gcm", topics: ["ox:mail:*"], meta: { os: "17" } },
  });
  assert.deepEqual((await service.call("GET", `${PATH}/${id}`)).body, made.body);
  assert.equal((await service.call("DELETE", `${PATH}/${id}`)).status, 204);
  assertProblem(await service.call("GET", `${PATH}/${id}`), "404 not_found");
  assertProblem(await service.call("DELETE", `${PATH}/${id}`), "404 not_found");
});

Deno.test("subscribing again replaces the topics", async () => {
  await using service = await startTestService();
  await service.subscribe(PHONE);
  const repeated = await service.call("POST", PATH, { body: { ...WHO, ...PHONE, topics: ["a"] } });
  assert.equal(repeated.status, 200);
  assert.deepEqual(repeated.body.topics, ["a"]);
  const { items } = (await service.call("GET", PATH)).body;
  assert.equal(items.length, 1);
});

Deno.test("a token belongs to the user who subscribed with it last", async () => {
  await using service = await startTestService();
  await service.subscribe(PHONE);
  await service.subscribe({ ...PHONE, user: "4" });
  const { items } = (await service.call("GET", PATH)).body;
  assert.deepEqual(items.map(({ user }: { user: string }) => user), ["4"]);
});

Deno.test("a topic that is not subscribed to does not arrive, one that is does", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  await service.subscribe(PHONE);
  await service.settled(await service.publish({ topic: "ox:calendar:updates", data: {} }));
  await service.settled(await service.publish());
  assert.deepEqual(gcm.arrived.map(({ token }) => token), ["t1"]);
});

Deno.test("the token that caused a notification does not receive it", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  await service.subscribe(PHONE);
  await service.subscribe({ ...PHONE, token: "t2" });
  await service.settled(await service.publish({ sourceToken: "t1" }));
  assert.deepEqual(gcm.arrived.map(({ token }) => token), ["t2"]);
});

Deno.test("what is wrong with a subscription is named", async () => {
  await using service = await startTestService();
  const cases = [
    [{ topics: ["ox.mail"] }, "400 invalid_topic", ["topics[0]"]],
    [{ topics: ["a", "a:*:b", "::"] }, "400 invalid_topic", ["topics[1]", "topics[2]"]],
    [{ topics: [] }, "400 invalid_request", ["topics"]],
    [{ topics: "a" }, "400 invalid_request", ["topics"]],
    [{ transport: "pigeon" }, "400 unknown_transport", ["transport"]],
    [{ transport: "toString" }, "400 unknown_transport", ["transport"]],
    [{ token: "" }, "400 invalid_request", ["token"]],
    [{ token: 7 }, "400 invalid_request", ["token"]],
    [{ client: "" }, "400 invalid_request", ["client"]],
    [{ expires: "tomorrow" }, "400 invalid_request", ["expires"]],
    [{ expires: "2020-01-01T00:00:00Z" }, "400 invalid_request", ["expires"]],
    [{ meta: { text: "x".repeat(3000) } }, "400 invalid_request", ["meta"]],
  ] as const;
  for (const [fields, expected, paths] of cases) {
    const answer = await service.call("POST", PATH, { body: { ...WHO, ...PHONE, ...fields } });
    assertProblem(answer, expected);
    assert.deepEqual(pathsOf(answer), paths);
  }
});

Deno.test("a token that is no address of its transport is refused", async () => {
  await using service = await startTestService();
  const cases = [
    ["gcm", "with blanks in it"],
    ["gcm", { endpoint: "https://example.com" }],
    ["apn", "not hexadecimal"],
    ["wns", "https://evil.example.com/channel"],
    ["webpush", { endpoint: "http://127.0.0.1/", keys: { p256dh: "x", auth: "y" } }],
    ["websocket", "anything"],
  ] as const;
  for (const [transport, token] of cases) {
    const answer = await service.call("POST", PATH, {
      body: { ...WHO, ...PHONE, transport, token },
    });
    assertProblem(answer, "400 invalid_token");
  }
});

Deno.test("a user has only so many subscriptions", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.subscriptions.maxPerUser": 2 },
  });
  await service.subscribe({ ...PHONE, token: "1" });
  await service.subscribe({ ...PHONE, token: "2" });
  const answer = await service.call("POST", PATH, { body: { ...WHO, ...PHONE, token: "3" } });
  assertProblem(answer, "429 too_many_subscriptions");
  assert.equal(answer.body.pns, "PNS-0013");
});

Deno.test("lists are paged, and each subscription is on one page", async () => {
  await using service = await startTestService();
  for (let n = 0; n < 7; n++) {
    await service.subscribe({ ...PHONE, user: String(n % 3), token: `t${n}` });
  }
  const ids: string[] = [];
  let query = "limit=3";
  for (let pages = 0; query !== "" && pages < 5; pages++) {
    const { body } = await service.call("GET", `${PATH}?${query}`);
    ids.push(...body.items.map(({ id }: { id: string }) => id));
    query = body.next === undefined ? "" : `limit=3&cursor=${encodeURIComponent(body.next)}`;
  }
  assert.equal(ids.length, 7);
  assert.equal(new Set(ids).size, 7);
});

Deno.test("a list that cannot be is refused", async () => {
  await using service = await startTestService();
  for (const query of ["limit=0", "limit=1001", "limit=x", "cursor=x", "user=3", "colour=red"]) {
    assertProblem(await service.call("GET", `${PATH}?${query}`), "400 invalid_request");
  }
});

Deno.test("with a session a user subscribes and sees only their own", async () => {
  await using service = await startTestService();
  const foreign = await service.subscribe({ ...PHONE, user: "4", token: "t4" });
  const key = await service.mint();
  const made = await service.call("POST", PATH, { body: PHONE, key });
  assert.deepEqual([made.status, made.body.context, made.body.user], [201, "1", "3"]);
  const { items } = (await service.call("GET", PATH, { key })).body;
  assert.deepEqual(items.map(({ id }: { id: string }) => id), [made.body.id]);
  assertProblem(await service.call("GET", `${PATH}/${foreign}`, { key }), "403 forbidden");
  assertProblem(await service.call("DELETE", `${PATH}/${foreign}`, { key }), "403 forbidden");
  const other = { ...PHONE, context: "1", user: "4" };
  assertProblem(await service.call("POST", PATH, { body: other, key }), "403 forbidden");
});

Deno.test("a test message returns the provider's answer", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const outcomes = async (fields: Record<string, unknown>) => {
    const id = await service.subscribe({ ...PHONE, ...fields });
    const { message, ...outcome } = (await service.call("POST", `${PATH}/${id}/test`)).body;
    if (outcome.outcome !== "misconfigured") assert.equal(message.title, "Carillon");
    return outcome;
  };
  gcm.errors.set("big", "MessageTooBig");
  assert.deepEqual(await outcomes({ token: "good" }), { outcome: "sent" });
  assert.deepEqual(await outcomes({ token: "big" }), {
    ...{ outcome: "rejected", reason: "MessageTooBig" },
  });
  assert.deepEqual(await outcomes({ client: "other" }), {
    ...{ outcome: "misconfigured", reason: "gcm has no options for other" },
  });
});

Deno.test("an expired subscription is removed and receives nothing", async () => {
  await using service = await startTestService();
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  await service.subscribe({ ...PHONE, expires });
  await service.houseKeep();
  const { items } = (await service.call("GET", PATH)).body;
  assert.deepEqual(items.map((each: { expires: string }) => each.expires), [expires]);
});
