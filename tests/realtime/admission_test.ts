import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";
import { admit, openPacketOf, serveRealtime } from "./_servers.ts";

const APPSUITE = "/socket.io/appsuite/";
const V3 = `${APPSUITE}?EIO=3&transport=websocket`;
const V4 = `${APPSUITE}?EIO=4&transport=websocket`;

Deno.test("the original's address opens a socket", async () => {
  await using served = serveRealtime();
  const query = "?session=7@1&connection=160491815377&EIO=3&transport=websocket";
  const peer = served.peer(`${APPSUITE}${query}`);
  const open = await peer.next() as string;
  const { sid: _, ...rest } = openPacketOf(open);
  assert.ok(open.startsWith("0{"));
  assert.deepEqual(rest, {
    upgrades: [],
    pingInterval: 25_000,
    pingTimeout: 60_000,
    maxPayload: 100_000,
  });
  assert.equal(await peer.next(), "40");
  assert.deepEqual(served.clientsOf("1", "7"), ["open-xchange-appsuite"]);
});

Deno.test("an EIO 3 client gets the original's payload, byte for byte", async () => {
  await using served = serveRealtime();
  const peer = served.peer(`${V3}&session=7@1`);
  await peer.next();
  assert.equal(await peer.next(), "40");
  const data = {
    folder: "default0/INBOX",
    id: "113",
    subject: "Let's meet",
    unread: 83,
  };
  assert.equal(
    served.publish({ context: "1", user: "7" }, "ox:mail:new", [data]),
    1,
  );
  assert.equal(
    await peer.next(),
    '42["ox:mail:new",{"folder":"default0/INBOX","id":"113","subject":"Let\'s meet","unread":83}]',
  );
});

Deno.test("an invalid session is refused at the handshake", async () => {
  const refused: string[] = [];
  const hooks = { onRefused: (reason: string) => void refused.push(reason) };
  await using served = serveRealtime({}, { hooks });
  const response = await served.http(`${APPSUITE}?session=nobody&EIO=3&transport=polling`);
  assert.equal(response.status, 403);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const { code, detail } = await response.json();
  assert.deepEqual({ code, detail }, { code: "unauthenticated", detail: "Unknown session" });
  await served.peer(`${V3}&session=nobody`).closed;
  assert.deepEqual(refused, ["unauthenticated", "unauthenticated"]);
});

Deno.test("an EIO 3 client without a session is refused at the handshake", async () => {
  await using served = serveRealtime();
  const response = await served.http(`${APPSUITE}?EIO=3&transport=polling`);
  assert.equal(response.status, 403);
  assert.equal((await response.json()).code, "unauthenticated");
});

Deno.test("an empty session id counts as a handshake and is checked as one", async () => {
  await using served = serveRealtime();
  for (const sid of ["sid=", "sid=x&sid="]) {
    const response = await served.http(`${APPSUITE}?EIO=3&transport=polling&${sid}`);
    assert.equal(response.status, 403, sid);
    assert.equal((await response.json()).code, "unauthenticated");
    const opened = await served.http(`${APPSUITE}?EIO=4&transport=polling&${sid}`);
    const path = `${APPSUITE}?EIO=4&transport=polling&sid=${openPacketOf(await opened.text()).sid}`;
    await (await served.http(path, { method: "POST", body: "40" })).text();
    assert.match(await (await served.http(path)).text(), /^44.*unauthenticated/);
  }
});

Deno.test("an unknown revision is refused as such, session or not", async () => {
  await using served = serveRealtime();
  const response = await served.http(`${APPSUITE}?EIO=5&transport=polling`);
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { code: 5, message: "Unsupported protocol version" });
});

Deno.test("a session may come as a bearer token", async () => {
  await using served = serveRealtime();
  const headers = { authorization: "Bearer 7@1" };
  const response = await served.http(`${APPSUITE}?EIO=3&transport=polling`, { headers });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

for (const name of ["session", "token"]) {
  Deno.test(`an EIO 4 client may name its session as auth.${name}`, async () => {
    await using served = serveRealtime();
    const peer = served.peer(V4);
    await peer.next();
    peer.send(`40{"${name}":"7@1"}`);
    assert.match(await peer.text(), /^40\{"sid":/);
    assert.deepEqual(served.clientsOf("1", "7"), ["open-xchange-appsuite"]);
  });
}

for (
  const [what, auth, message] of [
    ["a bad session", '{"session":"nobody"}', "Unknown session"],
    ["no session", "", "A session is needed: as parameter 'session', bearer or 'auth.session'"],
    [
      "a session that is no text",
      '{"session":7}',
      "A session is needed: as parameter 'session', bearer or 'auth.session'",
    ],
  ] as const
) {
  Deno.test(`an EIO 4 client with ${what} gets a connect error that says why`, async () => {
    await using served = serveRealtime();
    const peer = served.peer(V4);
    await peer.next();
    peer.send(`40${auth}`);
    const answer = await peer.text();
    assert.ok(answer.startsWith("44"));
    const data = { code: "unauthenticated", message };
    assert.deepEqual(JSON.parse(answer.slice(2)), { message, data });
    assert.deepEqual(served.clientsOf("1", "7"), []);
  });
}

Deno.test("a client that does not connect to the namespace in time is closed", async () => {
  await using served = serveRealtime({ connectTimeout: 50 });
  const peer = served.peer(V4);
  await peer.next();
  await peer.closed;
});

Deno.test("an unknown namespace is refused", async () => {
  await using served = serveRealtime();
  const peer = served.peer(V4);
  await peer.next();
  peer.send("40/other,");
  assert.equal(await peer.text(), '44/other,{"message":"Invalid namespace"}');
});

Deno.test("an unknown namespace is refused to clients of version 2, admitted or not", async () => {
  await using served = serveRealtime();
  const peer = served.peer(`${V4.replace("EIO=4", "EIO=3")}&session=7@1`);
  peer.opened.then(() => peer.send("40/other,"));
  const heard = [await peer.next(), await peer.next(), await peer.next()].map(String);
  assert.deepEqual(heard.slice(1).toSorted(), ["40", '44/other,{"message":"Invalid namespace"}']);
  peer.send("40/another,");
  assert.equal(await peer.next(), '44/another,{"message":"Invalid namespace"}');
});

Deno.test("a path that no client has is not found", async () => {
  await using served = serveRealtime();
  const response = await served.http("/socket.io/other/?EIO=4&transport=polling");
  assert.equal(response.status, 404);
  assert.equal((await response.json()).code, "not_found");
  assert.ok(served.realtime.handles("/socket.io/other/"));
  assert.ok(!served.realtime.handles("/v1/notifications"));
});

Deno.test("each path serves its client", async () => {
  const paths = [
    { client: "mail", path: "/socket.io/mail/*" },
    { client: "phone", path: "/phone" },
  ];
  await using served = serveRealtime({ paths });
  for (const path of ["/socket.io/mail/", "/phone/"]) {
    const peer = served.peer(`${path}?EIO=3&transport=websocket&session=7@1`);
    await peer.next();
    await peer.next();
  }
  assert.deepEqual(served.clientsOf("1", "7"), ["mail", "phone"]);
  assert.ok(served.realtime.handles("/phone"));
});

Deno.test("an unavailable store is not reported as an invalid session", async () => {
  const authenticate = () => Promise.reject(new ServiceError("store_unavailable", "Down"));
  await using served = serveRealtime({}, { authenticate });
  const response = await served.http(`${APPSUITE}?EIO=3&transport=polling&session=7@1`);
  assert.equal(response.status, 503);
  assert.equal((await response.json()).code, "store_unavailable");
});

Deno.test("a client that connects twice before it is admitted is closed and leaves no connection", async () => {
  const checks = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answered = Promise.withResolvers<void>();
  let checkCount = 0;
  await using served = serveRealtime({}, {
    async authenticate({ credential }) {
      checks[checkCount++]?.resolve();
      await answered.promise;
      return admit(credential);
    },
  });
  const peer = served.peer(V4);
  await peer.next();
  const connect = '40{"token":"7@1"}';
  peer.send(connect);
  await checks[0]!.promise;
  peer.send(connect);
  await Promise.race([peer.closed, checks[1]!.promise]);
  answered.resolve();
  await Promise.race([peer.closed, peer.text().then(() => peer.text())]);
  peer.close();
  await peer.closed;
  const places = () => served.realtime.socketsOf({ context: "1", user: "7" }).length;
  await until("it holds no place", () => places() === 0, 2_000);
});

Deno.test("a user has a limited number of sockets", async () => {
  await using served = serveRealtime({ maxSocketsPerUser: 2 });
  for (const id of ["a", "b"]) {
    const peer = served.peer(`${V3}&session=7@1&connection=${id}`);
    await peer.next();
    await peer.next();
  }
  const third = await served.http(`${V3}&session=7@1`.replace("websocket", "polling"));
  assert.equal(third.status, 429);
  assert.equal((await third.json()).detail, "A user may have 2 open sockets");
  const late = served.peer(V4);
  await late.next();
  late.send('40{"session":"7@1"}');
  assert.match(await late.text(), /^44.*A user may have 2 open sockets/);
  const other = served.peer(`${V3}&session=8@1`);
  await other.next();
  assert.equal(await other.next(), "40");
});

Deno.test("a second socket with the same connection id replaces the first, even at the limit", async () => {
  await using served = serveRealtime({ maxSocketsPerUser: 1 });
  const first = served.peer(`${V3}&session=7@1&connection=a`);
  await first.next();
  await first.next();
  const second = served.peer(`${V3}&session=7@1&connection=a`);
  await second.next();
  assert.equal(await second.next(), "40");
  await first.closed;
  assert.equal(served.publish({ context: "1", user: "7" }, "x"), 1);
  assert.equal(await second.next(), '42["x"]');
});

Deno.test("handshakes beyond the rate are refused with a Retry-After", async () => {
  const clock = new FakeClock();
  await using served = serveRealtime({ handshakesPerSecond: 2 }, { clock });
  const open = async () => {
    const response = await served.http(`${APPSUITE}?EIO=3&transport=polling&session=7@1`);
    await response.body?.cancel();
    return [response.status, response.headers.get("retry-after")];
  };
  assert.deepEqual(await open(), [200, null]);
  assert.deepEqual(await open(), [200, null]);
  assert.deepEqual(await open(), [429, "1"]);
  await clock.advance(500);
  assert.deepEqual(await open(), [200, null]);
});
