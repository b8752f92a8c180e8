import assert from "node:assert/strict";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { assertProblem } from "../support/api.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

const FRIEND = "https://mail.example.org";
const KEY = "/v1/webpush/browser/key";

async function startWithKeys() {
  const { publickey, privatekey } = await makeVapidKeys();
  const service = await startTestService({
    properties: { "io.carillon.websocket.allowedOrigins": FRIEND },
    files: {
      "pns-webpush-options.yml":
        `browser:\n    publickey: ${publickey}\n    privatekey: ${privatekey}\n` +
        `    subject: mailto:ops@example.com\n`,
    },
  });
  return { service, publickey };
}

function ask(service: TestService, origin: string, path = KEY) {
  return service.call("GET", path, { key: null, headers: { origin } });
}

Deno.test("the current public key needs no credential, and may be cached briefly", async () => {
  const { service, publickey } = await startWithKeys();
  await using _ = service;
  const { status, body, headers } = await service.call("GET", KEY, { key: null });
  assert.deepEqual([status, body], [200, { applicationServerKey: publickey }]);
  assert.equal(headers.get("cache-control"), "public, max-age=60");
});

Deno.test("the page that may open sockets may read the key, and another may not", async () => {
  const { service } = await startWithKeys();
  await using _ = service;
  const { headers } = await ask(service, FRIEND);
  assert.equal(headers.get("access-control-allow-origin"), FRIEND);
  const foreign = await ask(service, "https://evil.example");
  assert.equal(foreign.headers.get("access-control-allow-origin"), null);
  for (const each of [headers, foreign.headers]) assert.equal(each.get("vary"), "Origin");
  const preflight = await service.call("OPTIONS", KEY, { headers: { origin: FRIEND } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), FRIEND);
});

Deno.test("a client without Web Push is not found, which its page may read", async () => {
  const { service } = await startWithKeys();
  await using _ = service;
  const answer = await ask(service, FRIEND, "/v1/webpush/unknown/key");
  assertProblem(answer, "404 not_found");
  assert.equal(answer.headers.get("access-control-allow-origin"), FRIEND);
  assert.equal(answer.headers.get("cache-control"), null);
});
