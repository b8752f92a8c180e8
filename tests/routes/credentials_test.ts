import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { assertProblem, NEW_MAIL, pathsOf } from "../support/api.ts";
import { SESSION_SECRET, startTestService } from "../support/start_service.ts";

/** Every group of routes, and what it asks for. */
const NEEDED = [
  ["POST", "/v1/notifications", "publish"],
  ["GET", "/v1/notifications/0190163d-8694-739b-aea5-966c26f8ad90", "read"],
  ["POST", "/v1/subscriptions", "subscribe"],
  ["GET", "/v1/subscriptions", "read"],
  ["GET", "/v1/subscriptions/0190163d-8694-739b-aea5-966c26f8ad90", "read"],
  ["DELETE", "/v1/subscriptions/0190163d-8694-739b-aea5-966c26f8ad90", "subscribe"],
  ["POST", "/v1/subscriptions/0190163d-8694-739b-aea5-966c26f8ad90/test", "subscribe"],
  ["POST", "/v1/sessions", "subscribe"],
  ["GET", "/v1/sessions", "subscribe"],
  ["DELETE", "/v1/sessions", "subscribe"],
  ["DELETE", "/v1/sessions/ses", "subscribe"],
  ["POST", "/v1/keys", "admin"],
  ["GET", "/v1/keys", "admin"],
  ["DELETE", "/v1/keys/key", "admin"],
  ["GET", "/v1/contexts/1/config", "admin"],
  ["PUT", "/v1/contexts/1/config", "admin"],
  ["PATCH", "/v1/contexts/1/config", "admin"],
  ["DELETE", "/v1/contexts/1/config", "admin"],
  ["GET", "/v1/contexts/1/users/3/config", "admin"],
  ["PUT", "/v1/contexts/1/users/3/config", "admin"],
  ["PATCH", "/v1/contexts/1/users/3/config", "admin"],
  ["DELETE", "/v1/contexts/1/users/3/config", "admin"],
  ["GET", "/v1/explain?context=1&user=3&topic=a", "read"],
  ["GET", "/metrics", "read"],
  ["GET", "/v1/dead-letters", "admin"],
  ["POST", "/v1/dead-letters/replay", "admin"],
  ["POST", "/v1/dead-letters/0190163d-8694-739b-aea5-966c26f8ad90/replay", "admin"],
  ["POST", "/v1/admin/reload", "admin"],
  ["POST", "/v1/admin/drain", "admin"],
] as const;

Deno.test("nothing but health and docs is answered without a credential that holds", async () => {
  await using service = await startTestService();
  const expired = await new SignJWT({ ctx: "1", scope: "admin" }).setSubject("x")
    .setProtectedHeader({ alg: "HS256" }).setExpirationTime("-1h")
    .sign(new TextEncoder().encode(SESSION_SECRET));
  for (const [method, path] of NEEDED) {
    for (
      const key of [null, "wrong", "car_unknown_key", "ses_unknown", expired, "x".repeat(5000)]
    ) {
      const answer = await service.call(method, path, { key });
      assertProblem(answer, "401 unauthenticated");
      assert.equal(answer.headers.get("www-authenticate"), "Bearer");
    }
  }
  for (const path of ["/livez", "/readyz", "/openapi.json", "/docs"]) {
    assert.equal((await service.call("GET", path, { key: null })).status, 200, path);
  }
});

Deno.test("a key may do what its scopes say, and no more", async () => {
  await using service = await startTestService();
  const scopes = ["publish", "subscribe", "read"];
  const keys = new Map<string, string>();
  for (const scope of scopes) keys.set(scope, await service.mintKey(scope));
  for (const [method, path, needed] of NEEDED) {
    for (const [scope, key] of keys) {
      // A key that may subscribe may list subscriptions.
      const reads = path.startsWith("/v1/subscriptions") && method === "GET";
      if (scope === needed || (reads && scope === "subscribe")) {
        assert.notEqual((await service.call(method, path, { key })).status, 403, path);
      } else assertProblem(await service.call(method, path, { key }), "403 forbidden");
    }
  }
});

Deno.test("a credential that is not a bearer token does not count", async () => {
  await using service = await startTestService();
  for (const authorization of ["Basic YTpi", "Bearer", "Bearer ", `Bearer ${service.adminKey} x`]) {
    const options = { key: null, headers: { authorization } };
    assertProblem(await service.call("GET", "/v1/keys", options), "401 unauthenticated");
  }
  const lower = { key: null, headers: { authorization: `bearer ${service.adminKey}` } };
  assert.equal((await service.call("GET", "/v1/keys", lower)).status, 200);
});

Deno.test("a key for some contexts cannot reach beyond them", async () => {
  await using service = await startTestService();
  const { secret: key } = await service.mintKeyOf({ scopes: ["admin"], contexts: ["1", 2] });
  const beyond = await service.publish({ context: "7" });
  const refused = [
    ["POST", "/v1/notifications", { ...NEW_MAIL, context: "7" }],
    ["GET", `/v1/notifications/${beyond}`],
    ["POST", "/v1/sessions", { context: "7", user: "3" }],
    ["GET", "/v1/sessions?context=7&user=3"],
    ["DELETE", "/v1/sessions?context=7&user=3"],
    ["GET", "/v1/subscriptions"],
    ["GET", "/v1/subscriptions?context=7"],
    ["GET", "/v1/contexts/7/config"],
    ["PUT", "/v1/contexts/7/users/3/config", {}],
    ["GET", "/v1/explain?context=7&user=3&topic=ox:mail:new"],
    ["POST", "/v1/keys", { name: "more", scopes: ["publish"] }],
    ["POST", "/v1/keys", { name: "more", scopes: ["publish"], contexts: ["7"] }],
  ] as const;
  for (const [method, path, body] of refused) {
    assertProblem(await service.call(method, path, { key, body }), "403 forbidden");
  }
  const allowed = [
    ["POST", "/v1/notifications", { ...NEW_MAIL, context: 2 }, 202],
    ["POST", "/v1/sessions", { context: "1", user: "3" }, 201],
    ["GET", "/v1/subscriptions?context=1", undefined, 200],
    ["PUT", "/v1/contexts/1/config", {}, 200],
    ["POST", "/v1/keys", { name: "less", scopes: ["publish"], contexts: ["1"] }, 201],
  ] as const;
  for (const [method, path, body, status] of allowed) {
    const answer = await service.call(method, path, { key, body });
    assert.equal(answer.status, status, answer.text);
  }
});

Deno.test("a key for some contexts neither reloads nor drains the node for all", async () => {
  await using service = await startTestService();
  const { secret: key } = await service.mintKeyOf({ scopes: ["admin"], contexts: ["1"] });
  for (const path of ["/v1/admin/reload", "/v1/admin/drain"]) {
    assertProblem(await service.call("POST", path, { key }), "403 forbidden");
  }
});

Deno.test("a batch with one notification in a foreign context is refused as a whole", async () => {
  await using service = await startTestService();
  const { secret: key } = await service.mintKeyOf({ scopes: ["publish"], contexts: ["1"] });
  const body = { notifications: [NEW_MAIL, NEW_MAIL, { ...NEW_MAIL, context: "2" }] };
  const answer = await service.call("POST", "/v1/notifications", { key, body });
  assertProblem(answer, "403 forbidden");
  assert.deepEqual(pathsOf(answer), ["notifications[2].context"]);
});

Deno.test("keys are listed without their secrets, and worthless once revoked", async () => {
  await using service = await startTestService();
  const { id, secret: key } = await service.mintKeyOf({ scopes: ["publish"], contexts: ["1"] });
  const { body, text } = await service.call("GET", "/v1/keys");
  // What is secret may have underscores of its own.
  assert.ok(!text.includes(key.split("_").slice(2).join("_")));
  const [listed] = body.items.filter((each: { id: string }) => each.id === id);
  assert.deepEqual([listed.name, listed.scopes, listed.contexts], ["a test", ["publish"], ["1"]]);
  const publish = () => service.call("POST", "/v1/notifications", { body: NEW_MAIL, key });
  assert.equal((await publish()).status, 202);
  assert.equal((await service.call("DELETE", `/v1/keys/${id}`)).status, 204);
  assertProblem(await publish(), "401 unauthenticated");
  assertProblem(await service.call("DELETE", `/v1/keys/${id}`), "404 not_found");
});

Deno.test("a key that is to be made must be well-formed", async () => {
  await using service = await startTestService();
  const cases = [
    [{ scopes: ["publish"] }, "name"],
    [{ name: "k", scopes: [] }, "scopes"],
    [{ name: "k", scopes: ["root"] }, "scopes[0]"],
    [{ name: "k", scopes: ["read"], contexts: [] }, "contexts"],
    [{ name: "k", scopes: ["read"], expires: "tomorrow" }, "expires"],
    [{ name: "k".repeat(101), scopes: ["read"] }, "name"],
  ] as const;
  for (const [body, path] of cases) {
    const answer = await service.call("POST", "/v1/keys", { body });
    assertProblem(answer, "400 invalid_request");
    assert.deepEqual(pathsOf(answer), [path]);
  }
  const past = { name: "k", scopes: ["read"], expires: "2020-01-01T00:00:00Z" };
  assertProblem(await service.call("POST", "/v1/keys", { body: past }), "400 invalid_request");
});

Deno.test("a JWT with scopes publishes, one without is a user's session", async () => {
  await using service = await startTestService();
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setSubject("3")
      .setExpirationTime("1h").sign(new TextEncoder().encode(SESSION_SECRET));
  const publisher = await sign({ scope: "publish", contexts: ["1"] });
  const user = await sign({ ctx: "1" });
  const publish = (key: string, context: string) =>
    service.call("POST", "/v1/notifications", { body: { ...NEW_MAIL, context }, key });
  assert.equal((await publish(publisher, "1")).status, 202);
  assertProblem(await publish(publisher, "2"), "403 forbidden");
  assertProblem(await publish(user, "1"), "403 forbidden");
  assert.equal((await service.call("GET", "/v1/subscriptions", { key: user })).status, 200);
});
