import assert from "node:assert/strict";
import { serveRealtime } from "./_servers.ts";

const POLL = "/socket.io/appsuite/?EIO=4&transport=polling&session=7@1";
const FRIEND = "https://mail.example.org";

Deno.test("a page of a foreign origin cannot poll", async () => {
  await using served = serveRealtime({ allowedOrigins: [FRIEND] });
  for (
    const origin of ["https://evil.example", "null", "not an origin", `${FRIEND}.evil.example`]
  ) {
    const response = await served.http(POLL, { headers: { origin } });
    assert.equal(response.status, 403, origin);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    assert.equal((await response.json()).code, "foreign_origin");
  }
});

Deno.test("a page of a foreign origin cannot open a WebSocket", async () => {
  await using served = serveRealtime();
  const [hostname, port] = served.host.split(":");
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const lines = [
    `GET ${POLL.replace("polling", "websocket")} HTTP/1.1`,
    `Host: ${served.host}`,
    "Origin: https://evil.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const answer = new Uint8Array(64);
  await connection.read(answer);
  assert.match(new TextDecoder().decode(answer), /^HTTP\/1\.1 403 /);
});

Deno.test("a page of a listed origin may poll and read the answer", async () => {
  await using served = serveRealtime({ allowedOrigins: [FRIEND] });
  const response = await served.http(POLL, { headers: { origin: FRIEND } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("access-control-allow-origin"), FRIEND);
  assert.equal(response.headers.get("access-control-allow-credentials"), "true");
  assert.equal(response.headers.get("vary"), "Origin");
  await response.body?.cancel();
});

Deno.test("a page of the own host may poll", async () => {
  await using served = serveRealtime();
  const response = await served.http(POLL, { headers: { origin: `http://${served.host}` } });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});

Deno.test("every origin may poll where '*' is listed", async () => {
  await using served = serveRealtime({ allowedOrigins: ["*"] });
  const response = await served.http(POLL, { headers: { origin: "https://any.example" } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("access-control-allow-origin"), "https://any.example");
  await response.body?.cancel();
});

Deno.test("a preflight of a listed origin is answered, of a foreign one refused", async () => {
  await using served = serveRealtime({ allowedOrigins: [FRIEND] });
  const ask = (origin: string) =>
    served.http(POLL, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-headers": "content-type" },
    });
  const allowed = await ask(FRIEND);
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get("access-control-allow-methods"), "GET, POST");
  assert.equal(allowed.headers.get("access-control-allow-headers"), "content-type");
  const refused = await ask("https://evil.example");
  assert.equal(refused.status, 403);
  await refused.body?.cancel();
});

Deno.test("origins that are allowed may change while the server runs", async () => {
  await using served = serveRealtime();
  const { REALTIME_DEFAULTS } = await import("../../realtime/mod.ts");
  served.realtime.configure({ ...REALTIME_DEFAULTS, allowedOrigins: [FRIEND] });
  const response = await served.http(POLL, { headers: { origin: FRIEND } });
  assert.equal(response.status, 200);
  await response.body?.cancel();
});
