import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { assertProblem, pathsOf } from "../support/api.ts";
import { listen } from "../support/listener.ts";
import { SESSION_SECRET, startTestService } from "../support/start_service.ts";

Deno.test("a session is minted for a user and opens a socket", async () => {
  await using service = await startTestService();
  const session = await service.mintSession({ ttl: 60 });
  const left = Date.parse(session.expires) - Date.now();
  assert.ok(left > 50_000 && left <= 60_000);
  using listener = await listen(service.host, { session: session.token });
  assert.ok(listener.isOpen);
});

Deno.test("sessions are listed for their user, without their tokens", async () => {
  await using service = await startTestService();
  const mine = [await service.mintSession(), await service.mintSession({ client: "app" })];
  await service.mintSession({ user: "4" });
  const { body, text } = await service.call("GET", "/v1/sessions?context=1&user=3");
  assert.deepEqual(
    body.items.map(({ id }: { id: string }) => id).sort(),
    mine.map((s) => s.id).sort(),
  );
  for (const { token } of mine) assert.ok(!text.includes(token));
});

Deno.test("the sockets of a revoked session are notified and closed, and the session cannot be used again", async () => {
  await using service = await startTestService();
  const { id, token: session } = await service.mintSession();
  using revoked = await listen(service.host, { session, connection: "a" });
  using other = await listen(service.host, { session: await service.mint(), connection: "b" });
  assert.equal((await service.call("DELETE", `/v1/sessions/${id}`)).status, 204);
  await revoked.closed;
  assert.deepEqual(revoked.events, [["session:invalid"]]);
  assert.ok(other.isOpen);
  await assert.rejects(listen(service.host, { session }));
  assertProblem(
    await service.call("GET", "/v1/subscriptions", { key: session }),
    "401 unauthenticated",
  );
  assertProblem(await service.call("DELETE", `/v1/sessions/${id}`), "404 not_found");
});

Deno.test("all sessions of a user are revoked at once", async () => {
  await using service = await startTestService();
  const open = await Promise.all(
    ["a", "b"].map(async (connection) =>
      await listen(service.host, { session: await service.mint(), connection })
    ),
  );
  const path = "/v1/sessions?context=1&user=3";
  assert.deepEqual((await service.call("DELETE", path)).body, { revoked: 2 });
  await Promise.all(open.map(({ closed }) => closed));
  assert.deepEqual((await service.call("GET", path)).body, { items: [] });
});

Deno.test("a user may revoke their own session, and no other", async () => {
  await using service = await startTestService();
  const mine = await service.mintSession();
  const foreign = await service.mintSession({ user: "4" });
  const end = (id: string) => service.call("DELETE", `/v1/sessions/${id}`, { key: mine.token });
  assertProblem(await end(foreign.id), "403 forbidden");
  assert.equal((await end(mine.id)).status, 204);
});

Deno.test("a session mints no further session", async () => {
  await using service = await startTestService();
  const key = await service.mint();
  const body = { context: "1", user: "3" };
  assertProblem(await service.call("POST", "/v1/sessions", { body, key }), "403 forbidden");
});

Deno.test("a session that is to be minted must be well-formed", async () => {
  await using service = await startTestService();
  const cases = [
    [{ user: "3" }, "context"],
    [{ context: "1" }, "user"],
    [{ context: "1", user: "3", ttl: 0 }, "ttl"],
    [{ context: "1", user: "3", ttl: 2_678_401 }, "ttl"],
    [{ context: "1", user: "3", client: "" }, "client"],
  ] as const;
  for (const [body, path] of cases) {
    const answer = await service.call("POST", "/v1/sessions", { body });
    assertProblem(answer, "400 invalid_request");
    assert.deepEqual(pathsOf(answer), [path]);
  }
});

Deno.test("the session of a JWT is revoked by its id, and its sockets are closed", async () => {
  await using service = await startTestService();
  const sign = (jti: string) =>
    new SignJWT({ ctx: "1", jti }).setProtectedHeader({ alg: "HS256" }).setSubject("3")
      .setExpirationTime("1h").sign(new TextEncoder().encode(SESSION_SECRET));
  const session = await sign("one");
  using listener = await listen(service.host, { session });
  const hash = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode("one")),
  );
  const id = `jwt_${hash.toBase64({ alphabet: "base64url", omitPadding: true })}`;
  assert.equal((await service.call("DELETE", `/v1/sessions/${id}`)).status, 204);
  await listener.closed;
  await assert.rejects(listen(service.host, { session }));
  using _other = await listen(service.host, { session: await sign("two") });
});
