import assert from "node:assert/strict";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";

const FILE = "pns-websocket-clients.yml";
const TWO = `
open-xchange-appsuite:
  path: /socket.io/appsuite/*
  topics: ["*"]
calendar-app:
  path: /socket.io/calendar/*
  topics: ["ox:calendar:*"]
`;

Deno.test("a path belongs to a client, and its sockets receive its topics only", async () => {
  await using service = await startTestService({ files: { [FILE]: TWO } });
  const session = await service.mint();
  using mail = await listen(service.host, { session, connection: "a" });
  const path = "/socket.io/calendar/";
  using calendar = await listen(service.host, {
    session,
    connection: "b",
    path,
  });
  const { targets } = await service.settled(await service.publish());
  assert.deepEqual(targets.map(({ client }) => client), [
    "open-xchange-appsuite",
  ]);
  const both = await service.publish({
    topic: "ox:calendar:updates",
    data: {},
  });
  const clients = (await service.settled(both)).targets.map(({ client }) => client).sort();
  assert.deepEqual(clients, ["calendar-app", "open-xchange-appsuite"]);
  assert.equal((await mail.received(2)).length, 2);
  assert.deepEqual(await calendar.received(1), [["ox:calendar:updates", {}]]);
});

Deno.test("a path that belongs to no client is refused", async () => {
  await using service = await startTestService({ files: { [FILE]: TWO } });
  const session = await service.mint();
  await assert.rejects(
    listen(service.host, { session, path: "/socket.io/unknown/" }),
  );
});

Deno.test("a client that a reload adds is served without a restart", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const path = "/socket.io/calendar/";
  await assert.rejects(listen(service.host, { session, path }));
  await service.configure(FILE, TWO);
  assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
  using listener = await listen(service.host, { session, path });
  await service.publish({ topic: "ox:calendar:updates", data: {} });
  assert.equal((await listener.received(1)).length, 1);
});

Deno.test("a bad entry is logged with its place, and the others are served", async () => {
  const bad = `${TWO}broken:\n  path: nonsense\n  topics: ["ox.mail"]\n`;
  await using service = await startTestService({ files: { [FILE]: bad } });
  using _listener = await listen(service.host, {
    session: await service.mint(),
  });
  assert.ok(
    service.log.some((line) => /pns-websocket-clients\.yml:9:/.test(line)),
  );
});
