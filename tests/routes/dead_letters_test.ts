import { Hono } from "hono";
import assert from "node:assert/strict";
import type { DeadLetter } from "../../delivery/mod.ts";
import { deadLetterRoutes } from "../../routes/dead_letters.ts";
import { assertProblem } from "../support/api.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const PATH = "/v1/dead-letters";

/** A notification that the provider will never take. */
async function die(service: TestService, gcm: FakeGcm, fields: Record<string, unknown> = {}) {
  const { token = "bad", context = "1" } = fields;
  gcm.errors.set(String(token), "MessageTooBig");
  await service.subscribe({ client: "app", transport: "gcm", token, context });
  const id = await service.publish({ context });
  assert.equal((await service.settled(id)).state, "dead");
  return id;
}

Deno.test("what was given up is listed, without its token", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const notification = await die(service, gcm);
  const { body: { items: [letter] }, text } = await service.call("GET", PATH);
  const { id: _, at, subscription: __, ...rest } = letter;
  assert.ok(!Number.isNaN(Date.parse(at)));
  assert.deepEqual(rest, {
    ...{ notification, context: "1", user: "3", topic: "ox:mail:new" },
    ...{ client: "app", transport: "gcm", reason: "MessageTooBig", attempts: 1 },
  });
  assert.ok(!text.includes('"bad"'));
});

Deno.test("letters are filtered and paged", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  for (let n = 0; n < 3; n++) await die(service, gcm, { token: `bad${n}`, context: String(n) });
  const first = await service.call("GET", `${PATH}?limit=2`);
  const rest = await service.call("GET", `${PATH}?limit=2&cursor=${first.body.next}`);
  const contexts = [...first.body.items, ...rest.body.items].map(({ context }) => context);
  assert.deepEqual(contexts, ["0", "1", "2"]);
  assert.equal(rest.body.next, undefined);
  assert.equal((await service.call("GET", `${PATH}?context=1&client=app`)).body.items.length, 1);
  assert.equal((await service.call("GET", `${PATH}?transport=apn`)).body.items.length, 0);
  assertProblem(await service.call("GET", `${PATH}?transport=pigeon`), "400 unknown_transport");
  assertProblem(await service.call("GET", `${PATH}?colour=red`), "400 invalid_request");
});

Deno.test("a replayed dead letter is delivered, and the ledger records it", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const notification = await die(service, gcm);
  const { body: { items: [{ id }] } } = await service.call("GET", PATH);
  gcm.errors.clear();
  const answer = await service.call("POST", `${PATH}/${id}/replay`);
  assert.deepEqual([answer.status, answer.body], [202, { replayed: 1 }]);
  await until(
    "it is delivered",
    async () => (await service.settled(notification)).state === "delivered",
  );
  assert.deepEqual((await service.call("GET", PATH)).body, { items: [] });
  assertProblem(await service.call("POST", `${PATH}/${id}/replay`), "404 not_found");
});

Deno.test("all letters that match are replayed at once", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  for (let n = 0; n < 3; n++) await die(service, gcm, { token: `bad${n}`, context: String(n) });
  gcm.errors.clear();
  const one = await service.call("POST", `${PATH}/replay`, { body: { context: "1" } });
  assert.deepEqual([one.status, one.body], [202, { replayed: 1, more: false }]);
  const all = await service.call("POST", `${PATH}/replay`, { body: {} });
  assert.deepEqual(all.body, { replayed: 2, more: false });
});

Deno.test("a key for one context sees and replays only that context's letters", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  await die(service, gcm, { token: "bad1", context: "1" });
  await die(service, gcm, { token: "bad2", context: "2" });
  const foreign = (await service.call("GET", `${PATH}?context=2`)).body.items[0].id;
  const { secret: key } = await service.mintKeyOf({ scopes: ["admin"], contexts: ["1"] });
  const { items } = (await service.call("GET", PATH, { key })).body;
  assert.deepEqual(items.map(({ context }: { context: string }) => context), ["1"]);
  assertProblem(await service.call("POST", `${PATH}/${foreign}/replay`, { key }), "403 forbidden");
  const { body } = await service.call("POST", `${PATH}/replay`, { body: {}, key });
  assert.deepEqual(body, { replayed: 1, more: false });
});

Deno.test("a replay looks past pages without a letter that matches and is the caller's", async () => {
  const letterOf = (id: string, context: string) =>
    ({ id, notification: { context } }) as DeadLetter;
  const pages = new Map([
    [undefined, { letters: [], next: "a" }],
    ["a", { letters: [letterOf("b", "2")], next: "b" }],
    ["b", { letters: [letterOf("c", "1")], next: "c" }],
  ]);
  const replayed: string[] = [];
  const routes = deadLetterRoutes({
    authenticate: () => ({
      ...{ id: "key", kind: "key", scopes: new Set(["admin"]), contexts: new Set(["1"]) },
    }),
    letters: {
      list: (_filter, { after }) => Promise.resolve(pages.get(after)!),
      get: (id) => Promise.resolve({ key: [id], value: letterOf(id, "1"), version: "1" }),
    },
    replay: ({ value }) => Promise.resolve(replayed.push(value.id) > 0),
  });
  const app = new Hono<{ Variables: { bodyDeadline: unknown } }>()
    .use(async (c, next) => {
      c.set("bodyDeadline", { inTime: (body: unknown) => body });
      await next();
    }).route("/", routes);
  const answer = await app.request("/replay", {
    ...{ method: "POST", body: "{}" },
    headers: { authorization: "Bearer key", "content-type": "application/json" },
  });
  assert.deepEqual([await answer.json(), replayed], [{ replayed: 1, more: true }, ["c"]]);
});
