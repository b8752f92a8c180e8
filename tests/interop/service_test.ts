/** The whole service as the two generations of the stock client see it, over real sockets. */

import assert from "node:assert/strict";
import { propertiesText } from "../support/configuration.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { freePort } from "../support/free_port.ts";
import { startTestService } from "../support/start_service.ts";
import { connect, GENERATIONS, LINGERING, nextEvent, upgraded } from "./_stock_clients.ts";

const WEBSOCKET = ["websocket"];
const ENABLED = "com.openexchange.pns.transport.websocket.enabled";

/** The seed's examples, to the letter. */
const NEW_MAIL = '{"folder":"default0/INBOX","id":"113","email":"jane.doe@foobar.com",' +
  '"displayname":"Jane Doe","subject":"Let\'s meet","unread":83,"teaser":"Hello"}';
const CALENDAR = '{"folders":["cal://0/216759","cal://0/30"]}';

Deno.test("the seed's address is answered with its open packet and its payload", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const socket = new WebSocket(
    `ws://${service.host}/socket.io/appsuite/?session=${session}&connection=160491815377` +
      "&EIO=3&transport=websocket",
  );
  const frames: string[] = [];
  const { promise: complete, resolve } = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    frames.push(data);
    if (frames.length === 2) void publish();
    if (frames.length === 4) resolve();
  };
  async function publish() {
    await service.publish({ topic: "ox:mail:new", data: JSON.parse(NEW_MAIL) });
    await service.publish({ topic: "ox:calendar:updates", data: JSON.parse(CALENDAR) });
  }
  await complete;
  const [open, connected, mail, calendar] = frames;
  const { sid, ...rest } = JSON.parse(open!.slice(1));
  assert.equal(typeof sid, "string");
  assert.deepEqual(
    { pingInterval: rest.pingInterval, pingTimeout: rest.pingTimeout },
    { pingInterval: 25_000, pingTimeout: 60_000 },
  );
  assert.equal(connected, "40");
  assert.equal(mail, `42["ox:mail:new",${NEW_MAIL}]`);
  assert.equal(calendar, `42["ox:calendar:updates",${CALENDAR}]`);
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>();
  socket.onclose = () => onClose();
  socket.close();
  await closed;
});

for (const generation of GENERATIONS) {
  const test = (name: string, run: () => Promise<void>) =>
    Deno.test({ name: `${generation}: ${name}`, fn: run, ...LINGERING });

  for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
    test(`a publish arrives over ${transports.join(" upgraded to ")}`, async () => {
      await using service = await startTestService();
      const query = { session: await service.mint(), connection: "c" };
      await using client = await connect(generation, service, { query, transports });
      if (transports.length > 1) await upgraded(client);
      assert.equal(client.transport, transports.at(-1));
      const mail = nextEvent(client, "ox:mail:new");
      const calendar = nextEvent(client, "ox:calendar:updates");
      await service.publish({ topic: "ox:mail:new", data: JSON.parse(NEW_MAIL) });
      await service.publish({ topic: "ox:calendar:updates", data: JSON.parse(CALENDAR) });
      assert.equal(JSON.stringify(await mail), `[${NEW_MAIL}]`);
      assert.equal(JSON.stringify(await calendar), `[${CALENDAR}]`);
    });
  }

  test("the connection that caused it receives nothing, the user's others do", async () => {
    await using service = await startTestService();
    const session = await service.mint();
    const open = (connection: string) =>
      connect(generation, service, { query: { session, connection }, transports: WEBSOCKET });
    await using source = await open("source");
    await using other = await open("other");
    const seen = nextEvent(source, "t:a");
    const delivered = nextEvent(other, "t:a");
    const id = await service.publish({ topic: "t:a", data: { n: 1 }, sourceToken: "source" });
    assert.deepEqual(await delivered, [{ n: 1 }]);
    assert.equal((await service.settled(id)).state, "delivered");
    await service.publish({ topic: "t:a", data: { n: 2 } });
    assert.deepEqual(await seen, [{ n: 2 }]); // and not the first
  });

  test("the newer of two sockets with the same connection id stays", async () => {
    await using service = await startTestService();
    const query = { session: await service.mint(), connection: "same" };
    await using older = await connect(generation, service, { query, transports: WEBSOCKET });
    const gone = nextEvent(older, "disconnect");
    await using newer = await connect(generation, service, { query, transports: WEBSOCKET });
    await gone;
    const delivered = nextEvent(newer, "t:a");
    await service.publish({ topic: "t:a", data: {} });
    assert.deepEqual(await delivered, [{}]);
  });

  test("an unknown session is refused", async () => {
    await using service = await startTestService();
    for (const transports of [["websocket"], ["polling"]]) {
      const query = { session: "unknown", connection: "c" };
      await assert.rejects(connect(generation, service, { query, transports }));
    }
    const { text } = await service.call("GET", "/metrics");
    assert.match(text, /carillon_sockets_refused_total\{reason="unauthenticated"\} 2/);
  });

  test("a page of a foreign origin is refused, an allowed one is not", async () => {
    const origin = "https://mail.example.com";
    await using service = await startTestService({
      properties: { "io.carillon.websocket.allowedOrigins": origin },
    });
    const query = { session: await service.mint() };
    const open = (from: string) =>
      connect(generation, service, {
        ...{ query, transports: ["polling"], extraHeaders: { origin: from } },
      });
    await assert.rejects(open("https://evil.example.com"));
    await using client = await open(origin);
    assert.ok(client.connected);
  });

  test("sockets of a revoked session receive session:invalid, and their client stays away", async () => {
    await using service = await startTestService();
    const { id, token: session } = await service.mintSession();
    const options = { query: { session }, transports: WEBSOCKET };
    await using client = await connect(generation, service, options);
    const delivered = nextEvent(client, "session:invalid");
    const gone = nextEvent(client, "disconnect");
    await service.call("DELETE", `/v1/sessions/${id}`);
    await delivered;
    assert.equal((await gone)[0], "io server disconnect"); // after which clients do not come back
    await assert.rejects(connect(generation, service, options));
  });

  test("calendar updates within the delay arrive as one, with all folders", async () => {
    const clock = new FakeClock();
    await using service = await startTestService({
      properties: { "com.openexchange.pns.delayDuration": 1000 },
      clock,
    });
    const query = { session: await service.mint() };
    await using client = await connect(generation, service, { query, transports: WEBSOCKET });
    const delivered = nextEvent(client, "ox:calendar:updates");
    const topic = "ox:calendar:updates";
    await service.publish({ topic, data: { folders: ["cal://0/1", "cal://0/2"] } });
    await service.publish({
      topic,
      data: { folders: ["cal://0/2", "cal://0/3"], needsAction: ["7"] },
    });
    await clock.advance(1100);
    assert.deepEqual(await delivered, [{
      folders: ["cal://0/1", "cal://0/2", "cal://0/3"],
      needsAction: ["7"],
    }]);
  });

  test("a client reconnects by itself after a restart, and receives events again", async () => {
    const port = freePort();
    const folder = await Deno.makeTempDir({ prefix: "carillon_" });
    const options = { port, store: `kv:${folder}/data.kv` };
    let service = await startTestService(options);
    try {
      const query = { session: await service.mint(), connection: "c" };
      await using client = await connect(generation, service, { query, transports: WEBSOCKET });
      const gone = nextEvent(client, "disconnect");
      await service[Symbol.asyncDispose]();
      await gone;
      const back = nextEvent(client, "connect");
      service = await startTestService(options);
      await back;
      const delivered = nextEvent(client, "t:a");
      await service.publish({ topic: "t:a", data: {} });
      assert.deepEqual(await delivered, [{}]);
    } finally {
      await service[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    }
  });

  test("events published while a client is away arrive when it reconnects", async () => {
    await using service = await startTestService();
    const query = { session: await service.mint(), connection: "c" };
    await using client = await connect(generation, service, { query, transports: WEBSOCKET });
    const gone = nextEvent(client, "disconnect");
    const delivered = nextEvent(client, "t:a");
    client.drop();
    await gone;
    const id = await service.publish({ topic: "t:a", data: { n: 1 } });
    assert.deepEqual(await delivered, [{ n: 1 }]);
    if (generation === "socket.io-client 4") assert.ok(client.recovered);
    assert.ok(["kept", "sent"].includes((await service.settled(id)).targets[0]!.state));
  });

  test("a notification accepted right before a restart arrives after it", async () => {
    const port = freePort();
    const folder = await Deno.makeTempDir({ prefix: "carillon_" });
    const properties = { "com.openexchange.pns.delayDuration": 100 };
    const options = { port, store: `kv:${folder}/data.kv`, properties };
    let service = await startTestService(options);
    try {
      const query = { session: await service.mint(), connection: "c" };
      await using client = await connect(generation, service, { query, transports: WEBSOCKET });
      const delivered = nextEvent(client, "t:a");
      const gone = nextEvent(client, "disconnect");
      await service.publish({ topic: "t:a", data: { n: 1 } });
      await service[Symbol.asyncDispose]();
      await gone;
      service = await startTestService(options);
      assert.deepEqual(await delivered, [{ n: 1 }]);
      if (generation === "socket.io-client 4") assert.ok(client.recovered);
    } finally {
      await service[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    }
  });

  for (const colon of [":", "\\:"]) {
    test(`a topic is turned off for a client by a key with '${colon}'`, async () => {
      await using service = await startTestService();
      const query = { session: await service.mint() };
      await using client = await connect(generation, service, { query, transports: WEBSOCKET });
      const key = `${ENABLED}.open-xchange-appsuite.ox${colon}calendar${colon}updates`;
      await service.configure("test.properties", `${propertiesText({})}${key}=false\n`);
      assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
      const id = await service.publish({ topic: "ox:calendar:updates", data: {} });
      const [target] = (await service.settled(id)).targets;
      assert.equal(target?.state, "disabled");
      const delivered = nextEvent(client, "ox:mail:new");
      await service.publish();
      assert.equal((await delivered).length, 1);
    });
  }
}
