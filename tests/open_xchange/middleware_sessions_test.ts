import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { Middleware, MiddlewareSessions, sweepSessions } from "../../open_xchange/mod.ts";
import { startMiddleware } from "../../simulator/middleware/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

const UA = "Mozilla/5.0 (test)";

/** Sessions that ask a mock middleware, with time under the test's control. */
function setUp({ cacheAgeMs = 30_000, timeoutMs = 1_000 } = {}) {
  const clock = new FakeClock();
  const mock = startMiddleware({ fetch, webhook: { id: "x", uri: "http://127.0.0.1:1/" } });
  const counted: string[] = [];
  const middleware = new Middleware({
    settings: () => ({ url: mock.url, login: "", password: "", timeoutMs }),
    ...{ fetch, clock, log: silentLog },
    metrics: { count: (_name, labels) => void counted.push(Object.values(labels).join(" ")) },
  });
  const sessions = new MiddlewareSessions({ middleware, clock, cacheAgeMs: () => cacheAgeMs });
  const login = mock.login({ context: 1, user: 3, userAgent: UA });
  const browser = { cookie: `other=1; ${login.cookie}`, userAgent: UA, forwardedFor: "192.0.2.7" };
  return {
    ...{ clock, mock, middleware, sessions, login, browser, counted },
    [Symbol.asyncDispose]: () => mock[Symbol.asyncDispose](),
  };
}

Deno.test("a session is the user's that the middleware says", async () => {
  await using t = setUp();
  const { user, kind, scopes } = await t.sessions.verify(t.login.session, t.browser);
  assert.deepEqual([user?.context, user?.user, kind], ["1", "3", "session"]);
  assert.deepEqual([...scopes], ["subscribe"]);
  assert.ok(!JSON.stringify(user).includes(t.login.session), "its id does not give it away");
});

Deno.test("a session that the middleware does not know is refused", async () => {
  await using t = setUp();
  const refused = { code: "unauthenticated" };
  await assert.rejects(t.sessions.verify("0123456789abcdef", t.browser), refused);
  t.mock.accounts.logout(t.login.session);
  await assert.rejects(t.sessions.verify(t.login.session, t.browser), refused);
});

Deno.test("an answer holds for the browser that brought it, and for no other", async () => {
  await using t = setUp();
  await t.sessions.verify(t.login.session, t.browser);
  const { cookie: _, ...withoutCookies } = t.browser;
  const others = [withoutCookies, { ...t.browser, userAgent: "curl" }, {}];
  for (const other of others) {
    await assert.rejects(t.sessions.verify(t.login.session, other), { code: "unauthenticated" });
  }
});

Deno.test("an answer counts for its time, whatever happens to the session, and not longer", async () => {
  await using t = setUp({ cacheAgeMs: 10_000 });
  await t.sessions.verify(t.login.session, t.browser);
  t.mock.accounts.logout(t.login.session);
  await t.clock.advance(9_999);
  await t.sessions.verify(t.login.session, t.browser);
  assert.equal(t.mock.asked.length, 1);
  await t.clock.advance(1);
  await assert.rejects(t.sessions.verify(t.login.session, t.browser), { code: "unauthenticated" });
});

Deno.test("the same question at the same time is asked once", async () => {
  await using t = setUp({ cacheAgeMs: 0 });
  await Promise.all([1, 2, 3].map(() => t.sessions.verify(t.login.session, t.browser)));
  assert.equal(t.mock.asked.length, 1);
});

for (const fault of ["hang", "error", "busy", "garbage", "database", "empty"] as const) {
  Deno.test(`a middleware with the fault '${fault}' is asked no more after three times`, async () => {
    await using t = setUp({ cacheAgeMs: 0, timeoutMs: 100 });
    t.mock.fault = fault;
    for (let attempt = 0; attempt < 6; attempt++) {
      await assert.rejects(t.sessions.verify(t.login.session, t.browser), (thrown: Error) => {
        const { code, retryAfterSeconds } = thrown as Error & Record<string, unknown>;
        assert.equal(code, "middleware_unavailable");
        assert.ok(Number(retryAfterSeconds) >= 1);
        assert.ok(!thrown.message.includes(t.login.session), "the message has no session in it");
        return true;
      });
    }
    assert.equal(t.mock.asked.length, 3);
    assert.ok(t.middleware.isOpen);
    t.mock.fault = undefined;
    await t.clock.advance(1_000);
    await t.sessions.verify(t.login.session, t.browser);
    assert.equal(t.middleware.isOpen, false);
  });
}

Deno.test("what is in the cache counts while the middleware is away", async () => {
  await using t = setUp();
  await t.sessions.verify(t.login.session, t.browser);
  t.mock.fault = "error";
  const { user } = await t.sessions.verify(t.login.session, t.browser);
  assert.equal(user?.user, "3");
});

Deno.test("only the middleware's own cookies are passed on", async () => {
  const sent: (string | null)[] = [];
  const middleware = new Middleware({
    settings: () => ({ url: "http://middleware/ajax/", login: "l", password: "p", timeoutMs: 100 }),
    fetch(url, init) {
      const headers = new Headers(init?.headers);
      sent.push(String(url), headers.get("cookie"), headers.get("authorization"));
      return Promise.resolve(Response.json({ data: { user_id: 3, context_id: 1 } }));
    },
    ...{ clock: new FakeClock(), log: silentLog, metrics: { count() {} } },
  });
  const cookie = "tracking=1; open-xchange-secret-a=s; JSESSIONID=j; xopen-xchange-y=2";
  assert.deepEqual(await middleware.whoami("abc", { cookie }), { context: "1", user: "3" });
  assert.deepEqual(sent, [
    "http://middleware/ajax/system?action=whoami&session=abc",
    "JSESSIONID=j; open-xchange-secret-a=s",
    "Basic bDpw",
  ]);
});

Deno.test("a sweep closes the sockets of sessions that have ended, and of no others", async () => {
  await using t = setUp();
  const other = t.mock.login({ context: 1, user: 4, userAgent: UA });
  const first = await t.sessions.verify(t.login.session, t.browser);
  const second = await t.sessions.verify(other.session, { ...t.browser, cookie: other.cookie });
  const open = [first.user!.sessionId, second.user!.sessionId, "ses-of-this-service"];
  t.mock.accounts.logout(other.session);
  const closed: string[] = [];
  await sweepSessions({
    ...{ sessions: t.sessions, openSessions: () => open, log: silentLog },
    closeSession: (id) => closed.push(id),
  });
  assert.deepEqual(closed, [second.user!.sessionId]);
});

Deno.test("a session whose socket opens only after a sweep is asked about in the next one", async () => {
  await using t = setUp();
  const { user } = await t.sessions.verify(t.login.session, t.browser);
  const open: string[] = [];
  const closed: string[] = [];
  const sweep = () =>
    sweepSessions({
      ...{ sessions: t.sessions, openSessions: () => open, log: silentLog },
      closeSession: (id) => closed.push(id),
    });
  await sweep();
  open.push(user!.sessionId);
  t.mock.accounts.logout(t.login.session);
  await sweep();
  assert.deepEqual(closed, open);
});

Deno.test("a sweep closes nothing where the middleware is away", async () => {
  await using t = setUp();
  const { user } = await t.sessions.verify(t.login.session, t.browser);
  t.mock.fault = "error";
  await sweepSessions({
    ...{ sessions: t.sessions, openSessions: () => [user!.sessionId], log: silentLog },
    closeSession: () => assert.fail("a socket was closed"),
  });
  assert.equal(t.mock.asked.length, 2);
});
