import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

Deno.test("an unknown path is a problem like any other", async () => {
  await using service = await startTestService();
  for (const path of ["/", "/v1", "/v1/nope", "/v1//notifications", "/v1/notifications/", "/%00"]) {
    assertProblem(await service.call("GET", path), "404 not_found");
  }
});

Deno.test("a method that a path does not have is answered with those that it has", async () => {
  await using service = await startTestService();
  const cases = [
    ["PUT", "/v1/notifications", "POST, GET, HEAD"],
    ["DELETE", "/v1/admin/reload", "POST"],
    ["POST", "/livez", "GET, HEAD"],
    ["GET", "/ajax/pns", "PUT, OPTIONS"],
    ["POST", "/v1/contexts/1/config", "GET, HEAD, PUT, PATCH, DELETE"],
  ] as const;
  for (const [method, path, allow] of cases) {
    const answer = await service.call(method, path);
    assertProblem(answer, "405 method_not_allowed");
    assert.equal(answer.headers.get("allow"), allow);
  }
});

Deno.test("no answer lets a browser guess its type", async () => {
  await using service = await startTestService();
  for (const path of ["/livez", "/nope", "/docs", "/v1/explain", "/v1/keys"]) {
    const { headers } = await service.call("GET", path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
  }
});

Deno.test("requests are counted by route, and made-up methods as one", async () => {
  await using service = await startTestService();
  for (let n = 0; n < 3; n++) await service.call(`MADE${n}`, "/livez");
  await service.call("GET", "/v1/notifications/not-an-id");
  await service.call("GET", "/livez");
  const { text } = await service.call("GET", "/metrics");
  const counted = text.split("\n").filter((line) =>
    line.startsWith("carillon_http_requests_total{")
  );
  assert.deepEqual(counted.sort(), [
    'carillon_http_requests_total{route="/*",method="other",status="405"} 3',
    'carillon_http_requests_total{route="/livez",method="GET",status="200"} 1',
    'carillon_http_requests_total{route="/v1/notifications/:id",method="GET",status="404"} 1',
  ]);
});

Deno.test("payloads and credentials are not in the log", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.log.level": "debug" },
  });
  const secret = await service.mintKey("publish");
  const token = await service.mint();
  await service.call("POST", "/v1/notifications", { body: NEW_MAIL, key: secret });
  await service.call("POST", "/v1/notifications", { body: '{"teaser":"Hello' });
  await service.call("GET", "/v1/subscriptions", { key: token });
  const log = service.log.join("");
  for (const private_ of [secret, token, service.adminKey, "jane.doe@foobar.com", "teaser"]) {
    assert.ok(!log.includes(private_));
  }
});

for (
  const framing of ["content-length: 100\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n5\r\n{"]
) {
  Deno.test(`a body that breaks off is nothing that broke here: ${framing.split(":")[0]}`, async () => {
    await using service = await startTestService();
    const { port } = service;
    using peer = await Deno.connect({ hostname: "127.0.0.1", port });
    const head = `POST /v1/notifications HTTP/1.1\r\nhost: ${service.host}\r\n` +
      `authorization: Bearer ${service.adminKey}\r\ncontent-type: application/json\r\n`;
    await peer.write(new TextEncoder().encode(head + framing));
    peer.close();
    const line = 'route="/v1/notifications",method="POST",status="400"} 1';
    await until("it is counted", async () => {
      return (await service.call("GET", "/metrics")).text.includes(line);
    });
    assert.ok(!service.log.join("").includes("failed unexpectedly"));
  });
}

// The runtime throws one error where it has read no part of the body yet, and another one later.
for (const fill of [10, 20_000]) {
  Deno.test(`a body that its sender ends too early gets 400 (head of ${fill} bytes)`, async () => {
    await using service = await startTestService();
    using peer = await Deno.connect({ hostname: "127.0.0.1", port: service.port });
    const head = `POST /${"a".repeat(fill / 2)} HTTP/1.1\r\nhost: ${service.host}\r\n` +
      `connection: close\r\nx: ${"x".repeat(fill)}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const bytes = new TextEncoder().encode(`${head}{"a":${"1".repeat(200)}}`);
    for (let sent = 0; sent < bytes.length;) sent += await peer.write(bytes.subarray(sent));
    await peer.closeWrite();
    assert.match(await new Response(peer.readable).text(), /^HTTP\/1\.1 400 /);
    assert.ok(!service.log.join("").includes("failed unexpectedly"));
  });
}
