import assert from "node:assert/strict";
import {
  connect,
  type Generation,
  LINGERING,
  nextEvent,
  type StockClient,
} from "../interop/_stock_clients.ts";
import { until } from "../support/until.ts";
import type { Login } from "../../simulator/middleware/mod.ts";
import { syntheticEtc } from "./_synthetic_etc.ts";
import { BROWSER, MAIL, type Pair, SECRET, startPair } from "./_beside_middleware.ts";

const DAY = "a day of the App Suite: login, socket, mail, calendar, subscribe, rotation, logout";

/** Opens the App Suite's socket with the session and cookies of a login. */
function open(
  generation: Generation,
  { service }: Pair,
  { login, connection = "1604918153771" }: { readonly login: Login; readonly connection?: string },
): Promise<StockClient> {
  return connect(generation, service, {
    // The older client has no way to send cookies with a WebSocket outside of a browser.
    transports: generation === "socket.io-client 2" ? ["polling"] : ["websocket"],
    query: { session: login.session, connection },
    extraHeaders: { cookie: login.cookie, "user-agent": BROWSER },
  });
}

async function subscribe({ service }: Pair, login: Login): Promise<void> {
  const path = `/appsuite/api/pns?action=subscribe&session=${login.session}`;
  const { body } = await service.call("PUT", path, {
    key: null,
    headers: { cookie: login.cookie, "user-agent": BROWSER },
    body: {
      ...{ client: "switchboard", transport: "webhook", expires: Date.now() + 360_000 },
      topics: ["ox:calendar:updates", "ox:mail:new"],
    },
  });
  assert.deepEqual(body, { data: { success: true } });
}

for (const generation of ["socket.io-client 2", "socket.io-client 4"] as const) {
  Deno.test({
    ...LINGERING,
    name: `${DAY}, with ${generation}`,
    async fn() {
      await using pair = await startPair({
        properties: { "io.carillon.openxchange.middleware.recheck": 1_000 },
        etc: syntheticEtc(),
      });
      const { service, middleware } = pair;
      const login = middleware.login({ context: 1, user: 3, userAgent: BROWSER });
      await using client = await open(generation, pair, { login });
      await subscribe(pair, login);

      const mail = nextEvent(client, "ox:mail:new");
      assert.deepEqual(await middleware.emit(MAIL), [200]);
      assert.deepEqual(await mail, [MAIL.data]);

      // The tab that made the change hears nothing of it, another one does.
      await using other = await open(generation, pair, { login, connection: "other" });
      let heard = 0;
      client.on("ox:calendar:updates", () => heard++);
      const calendar = nextEvent(other, "ox:calendar:updates");
      const data = { folders: ["cal://0/30"], needsAction: [] };
      await middleware.emit({
        ...{ context: 1, user: 3, event: "ox:calendar:updates", data },
        sourceToken: "1604918153771",
      });
      assert.deepEqual(await calendar, [data]);
      assert.equal(heard, 0);

      // Secrets are rotated: first both count, then the middleware changes, then the old one goes.
      const key = "io.carillon.openxchange.webhook.secrets";
      await service.configure("zz.properties", `${key}=Bearer new, ${SECRET}\n`);
      assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
      middleware.webhook = { ...middleware.webhook, webhookSecret: "Bearer new" };
      const rotated = nextEvent(client, "ox:mail:new");
      assert.deepEqual(await middleware.emit({ ...MAIL, data: { folder: "x", id: "2" } }), [200]);
      assert.deepEqual(await rotated, [{ folder: "x", id: "2" }]);

      // The user logs out elsewhere: their sockets are told and closed.
      const ended = nextEvent(client, "session:invalid");
      middleware.accounts.logout(login.session);
      await ended;
      await until("its socket is closed", () => !client.connected);
      // What was answered about the session a moment ago does not count again after this.
      await assert.rejects(open(generation, pair, { login }));
    },
  });
}

Deno.test({
  ...LINGERING,
  name: "a middleware that hangs: open sockets stay, new ones hear when to come back",
  async fn() {
    await using pair = await startPair({
      properties: {
        "io.carillon.openxchange.middleware.recheck": 1_000,
        "io.carillon.openxchange.middleware.timeout": 100,
        "io.carillon.openxchange.middleware.cacheAge": 0,
      },
    });
    const { service, middleware } = pair;
    const login = middleware.login({ context: 1, user: 3, userAgent: BROWSER });
    await using client = await open("socket.io-client 4", pair, { login });
    await subscribe(pair, login);
    middleware.fault = "hang";
    const before = middleware.asked.length;
    await until("the session was asked about again", () => middleware.asked.length > before);

    const began = performance.now();
    const path = `/socket.io/appsuite/?EIO=4&transport=polling&session=${login.session}`;
    const refused = await service.call("GET", path, {
      key: null,
      headers: { cookie: login.cookie, "user-agent": BROWSER },
    });
    assert.ok(performance.now() - began < 5_000);
    assert.equal(refused.status, 503);
    assert.equal(JSON.parse(refused.text).code, "middleware_unavailable");
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);

    assert.equal(client.connected, true);
    const mail = nextEvent(client, "ox:mail:new");
    // Its webhooks still come: only its API hangs.
    assert.deepEqual(await middleware.emit(MAIL), [200]);
    assert.deepEqual(await mail, [MAIL.data]);

    middleware.fault = undefined;
    await using back = await until("it is let in again", async () => {
      try {
        return await open("socket.io-client 4", pair, { login, connection: "back" });
      } catch {
        return undefined;
      }
    });
    assert.equal(back.connected, true);
  },
});

Deno.test({
  ...LINGERING,
  name: "a session id without the cookies of its login opens no socket",
  async fn() {
    await using pair = await startPair();
    const login = pair.middleware.login({ context: 1, user: 3, userAgent: BROWSER });
    await using _client = await open("socket.io-client 4", pair, { login });
    await assert.rejects(
      open("socket.io-client 4", pair, { login: { ...login, cookie: "" } }),
    );
  },
});

Deno.test("UI-7's own handshake opens a WebSocket with the cookies of its page", async () => {
  await using pair = await startPair();
  const { service, middleware } = pair;
  const { userAgent } = navigator; // a WebSocket sends its own
  const login = middleware.login({ context: 1, user: 3, userAgent });
  const query = `session=${login.session}&connection=1604918153771&EIO=3&transport=websocket`;
  const socket = new WebSocket(`ws://${service.host}/socket.io/appsuite/?${query}`, {
    headers: { cookie: login.cookie },
  });
  const closed = new Promise((resolve) => socket.onclose = resolve);
  const frames: string[] = [];
  socket.onmessage = ({ data }) => void frames.push(data);
  try {
    await until("it is in the namespace", () => frames.includes("40"));
    assert.match(frames[0]!, /^0\{"sid":/);
    middleware.accounts.subscribe({
      ...{ context: 1, user: 3, client: "switchboard", topics: ["*"], expires: 0 },
    });
    assert.deepEqual(await middleware.emit(MAIL), [200]);
    const event = `42${JSON.stringify(["ox:mail:new", MAIL.data])}`;
    await until("the mail is announced", () => frames.includes(event));
  } finally {
    socket.close();
    await closed;
  }
});
