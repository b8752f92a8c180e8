import assert from "node:assert/strict";
import { openPacketOf, serveEcho, SHORT } from "./_servers.ts";

for (const revision of [3, 4]) {
  const at = (query: string) => `/engine.io/?EIO=${revision}&${query}`;

  Deno.test(`EIO ${revision}: polling opens a session and offers the upgrade`, async () => {
    await using served = serveEcho(SHORT);
    const response = await served.http(at("transport=polling"));
    const text = await response.text();
    assert.equal(response.status, 200);
    if (revision === 3) {
      assert.equal(Number(text.split(":")[0]), text.length - text.indexOf(":") - 1);
    }
    const { sid, ...rest } = openPacketOf(text);
    assert.ok(text.startsWith(revision === 3 ? `${text.length - text.indexOf(":") - 1}:0` : "0"));
    assert.match(sid, /^[\w-]{20}$/);
    assert.deepEqual(rest, { upgrades: ["websocket"], ...SHORT, maxPayload: 1e6 });
  });

  Deno.test(`EIO ${revision}: a WebSocket opens a session without upgrades`, async () => {
    await using served = serveEcho(SHORT);
    const text = await served.peer(at("transport=websocket")).next() as string;
    assert.ok(text.startsWith("0"));
    const { sid, ...rest } = openPacketOf(text);
    assert.match(sid, /^[\w-]{20}$/);
    assert.deepEqual(rest, { upgrades: [], ...SHORT, maxPayload: 1e6 });
  });

  for (const query of ["", "transport=abc"]) {
    Deno.test(`EIO ${revision}: '${query}' names no transport`, async () => {
      await using served = serveEcho(SHORT);
      const response = await served.http(at(query));
      assert.equal(response.status, 400);
      assert.deepEqual(await response.json(), { code: 0, message: "Transport unknown" });
      await served.peer(at(query)).closed;
      assert.equal(served.engine.clientsCount, 0);
    });
  }

  for (const method of ["POST", "PUT"]) {
    Deno.test(`EIO ${revision}: a handshake cannot be a ${method}`, async () => {
      await using served = serveEcho(SHORT);
      const response = await served.http(at("transport=polling"), { method });
      assert.equal(response.status, 400);
      assert.deepEqual(await response.json(), { code: 2, message: "Bad handshake method" });
    });
  }

  Deno.test(`EIO ${revision}: an unknown session id is refused`, async () => {
    await using served = serveEcho(SHORT);
    const response = await served.http(at("transport=polling&sid=__proto__"));
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), { code: 1, message: "Session ID unknown" });
  });

  Deno.test(`EIO ${revision}: a session cannot go on with the other revision`, async () => {
    await using served = serveEcho(SHORT);
    const opened = await served.http(at("transport=polling"));
    const { sid } = openPacketOf(await opened.text());
    const other = `/engine.io/?EIO=${7 - revision}&transport=polling&sid=${sid}`;
    const response = await served.http(other);
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), { code: 3, message: "Bad request" });
  });
}

for (const query of ["", "EIO=abc&", "EIO=5&", "EIO=2&", "EIO=34&"]) {
  Deno.test(`'${query}' is no revision of the protocol`, async () => {
    await using served = serveEcho(SHORT);
    const response = await served.http(`/engine.io/?${query}transport=polling`);
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), { code: 5, message: "Unsupported protocol version" });
    await served.peer(`/engine.io/?${query}transport=websocket`).closed;
    assert.equal(served.engine.clientsCount, 0);
  });
}

Deno.test("a plain request cannot open a session of transport websocket", async () => {
  await using served = serveEcho(SHORT);
  const response = await served.http("/engine.io/?EIO=4&transport=websocket");
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { code: 3, message: "Bad request" });
});

Deno.test("the Upgrade header may be written in any case", async () => {
  await using served = serveEcho(SHORT);
  const [hostname, port] = served.host.split(":");
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const lines = [
    "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1",
    `Host: ${served.host}`,
    "Upgrade: WebSocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const answer = new Uint8Array(64);
  await connection.read(answer);
  assert.match(new TextDecoder().decode(answer), /^HTTP\/1\.1 101 /);
});

Deno.test("a WebSocket handshake without its key is a bad request", async () => {
  await using served = serveEcho(SHORT);
  const [hostname, port] = served.host.split(":");
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const head = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\n" +
    `Host: ${served.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const answer = new Uint8Array(64);
  await connection.read(answer);
  assert.match(new TextDecoder().decode(answer), /^HTTP\/1\.1 400 /);
});
