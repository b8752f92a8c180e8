import assert from "node:assert/strict";
import { assertProblem } from "../support/api.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { openStream } from "../realtime/_event_source.ts";

const TOPICS = { "io.carillon.inbox.topics": "acme:*" };
const redis = sharedRedis();

async function publish(service: TestService, n: number, topic = "acme:a"): Promise<string> {
  const id = await service.publish({ topic, data: { n } });
  await service.settled(id);
  return id;
}

async function inboxOf(service: TestService, query = "", key?: string) {
  const owner = key === undefined ? "context=1&user=3" : "";
  const path = `/v1/inbox?${[owner, query].filter((each) => each !== "").join("&")}`;
  return (await service.call("GET", path, key === undefined ? {} : { key })).body;
}

Deno.test("notifications of the configured topics are in the inbox, also where nobody subscribes", async () => {
  await using service = await startTestService({ properties: TOPICS });
  const id = await publish(service, 1);
  await publish(service, 2, "ox:mail:new");
  const { items, unread } = await inboxOf(service);
  assert.equal(unread, 1);
  const [{ at, ...item }] = items;
  assert.deepEqual(item, { id, topic: "acme:a", data: { n: 1 }, read: false });
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
});

Deno.test("without the setting nothing is kept", async () => {
  await using service = await startTestService();
  await publish(service, 1);
  assert.deepEqual(await inboxOf(service), { items: [], unread: 0 });
});

Deno.test("the setting may be a context's or a user's own", async () => {
  await using service = await startTestService();
  const attributes = { "io.carillon.inbox.topics": "*" };
  await service.call("PUT", "/v1/contexts/1/users/3/config", { body: { attributes } });
  await publish(service, 1);
  const other = await service.publish({ user: "4", topic: "acme:a" });
  await service.settled(other);
  assert.equal((await inboxOf(service)).unread, 1);
  const { body } = await service.call("GET", "/v1/inbox?context=1&user=4");
  assert.equal(body.unread, 0);
});

Deno.test("a session reads and marks its own user's inbox and nobody else's", async () => {
  await using service = await startTestService({ properties: TOPICS });
  const id = await publish(service, 1);
  const key = await service.mint("3");
  assert.equal((await inboxOf(service, "", key)).items[0].id, id);
  const marked = await service.call("POST", "/v1/inbox/read", { key, body: { ids: [id] } });
  assert.deepEqual(marked.body, { unread: 0 });
  assert.deepEqual((await inboxOf(service, "unread=true", key)).items, []);
  const stranger = await service.mint("4");
  assertProblem(
    await service.call("GET", "/v1/inbox?context=1&user=3", { key: stranger }),
    "403 forbidden",
  );
});

Deno.test("pages of the inbox follow each other", async () => {
  await using service = await startTestService({ properties: TOPICS });
  for (const n of [1, 2, 3]) await publish(service, n);
  const first = await inboxOf(service, "limit=2");
  assert.deepEqual(first.items.map(({ data }: { data: { n: number } }) => data.n), [3, 2]);
  const second = await inboxOf(service, `limit=2&before=${first.next}`);
  assert.deepEqual(second.items.map(({ data }: { data: { n: number } }) => data.n), [1]);
});

Deno.test("what is wrong with a request to the inbox is named", async () => {
  await using service = await startTestService();
  for (const query of ["limit=0", "limit=101", "before=x", "unread=maybe", "what=1"]) {
    const answer = await service.call("GET", `/v1/inbox?context=1&user=3&${query}`);
    assertProblem(answer, "400 invalid_request");
  }
  assertProblem(await service.call("GET", "/v1/inbox"), "400 invalid_request");
  assertProblem(await service.call("GET", "/v1/inbox", { key: null }), "401 unauthenticated");
});

Deno.test("a page of an allowed origin may read the inbox, another one may not", async () => {
  const origins = { "io.carillon.websocket.allowedOrigins": "https://mail.example" };
  await using service = await startTestService({ properties: origins });
  const session = await service.mint();
  async function ask(origin: string, method = "GET") {
    const response = await fetch(`${service.address}/v1/inbox`, {
      method,
      headers: { authorization: `Bearer ${session}`, origin },
    });
    await response.body?.cancel();
    return response.headers.get("access-control-allow-origin");
  }
  assert.equal(await ask("https://mail.example"), "https://mail.example");
  assert.equal(await ask("https://mail.example", "OPTIONS"), "https://mail.example");
  assert.equal(await ask("https://evil.example"), null);
});

async function tellsUnread(service: TestService, other = service): Promise<void> {
  const session = await service.mint();
  using stream = await openStream(`${other.address}/v1/stream?session=${session}`);
  await stream.received("ready");
  await publish(service, 1);
  await publish(service, 2);
  const unread = () =>
    stream.named(undefined).map(({ data }) => JSON.parse(data))
      .filter(({ topic }) => topic === "carillon:inbox").map(({ data }) => data.unread);
  await until("both are counted", () => unread().length >= 2);
  await service.call("POST", "/v1/inbox/read", { key: session, body: {} });
  await until("it is told that all are read", () => unread().length >= 3);
  assert.deepEqual(unread(), [1, 2, 0]);
}

Deno.test("the user's open connections are told how many are unread", async () => {
  await using service = await startTestService({ properties: TOPICS });
  await tellsUnread(service);
});

redisTest("nodes on one Redis share inboxes and tell each other's connections", async () => {
  await redis().flush();
  const options = { store: redis().url, properties: TOPICS };
  await using service = await startTestService(options);
  await using other = await startTestService(options);
  await tellsUnread(service, other);
  assert.equal((await inboxOf(other)).items.length, 2);
});

Deno.test("an inbox outlives a restart", async () => {
  const folder = await Deno.makeTempDir({ prefix: "carillon_" });
  try {
    const options = { store: `kv:${folder}/data.kv`, properties: TOPICS };
    const first = await startTestService(options);
    await publish(first, 1);
    await inboxOf(first);
    await first[Symbol.asyncDispose]();
    await using second = await startTestService(options);
    assert.equal((await inboxOf(second)).unread, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
