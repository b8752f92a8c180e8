import assert from "node:assert/strict";
import { signWebhook } from "../../core/webhook_signature.ts";
import type { WebhookFault } from "../../simulator/middleware/mod.ts";
import { until } from "../support/until.ts";
import {
  MAIL,
  type Pair,
  SECRET,
  SIGNATURE_SECRET,
  startPair,
  subscribed,
} from "./_beside_middleware.ts";

const PATH = "/v1/open-xchange/webhook";

/** Posts a body with a good secret and signature, whatever is in it. */
async function post(
  { service }: Pair,
  body: string,
  { path = PATH, timestamp = Date.now(), headers = {} }: {
    readonly path?: string;
    readonly timestamp?: number;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
) {
  const hex = signWebhook(SIGNATURE_SECRET, { version: "1", timestamp, body });
  return await service.call("POST", path, {
    key: null,
    body,
    headers: { authorization: SECRET, "x-ox-signature": `t=${timestamp}, v1=${hex}`, ...headers },
  });
}

function bodyOf(event: string, payload: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ event, payload, timestamp: Date.now() });
}

const PAYLOAD = { folder: "default0/INBOX", user: 3, context: 1 };

async function metric({ service }: Pair, name: string): Promise<number> {
  const { text } = await service.call("GET", "/metrics");
  const line = text.split("\n").find((each) => each.startsWith(name));
  return line === undefined ? 0 : Number(line.split(" ").at(-1));
}

Deno.test("a webhook of the middleware is a publish like any other", async () => {
  await using pair = await startPair();
  const { service } = pair;
  const payload = {
    ...PAYLOAD,
    ...{ id: "1", email1: "jane@example.com", sourceToken: "connection-7" },
  };
  const { status, body } = await post(pair, bodyOf("ox:mail:new", payload));
  assert.equal(status, 200);
  assert.equal(body.success, true);
  const [id] = body.ids;
  const record = await until("it is settled", async () => {
    const found = await service.call("GET", `/v1/notifications/${id}`);
    return found.body?.state === "settled" || found.body?.state === "done" || found.body?.reason
      ? found.body
      : undefined;
  });
  assert.deepEqual([record.context, record.user, record.topic], ["1", "3", "ox:mail:new"]);
  assert.equal(record.reason, "no_subscription");
  assert.equal(await metric(pair, "carillon_notifications_accepted_total"), 1);
  const accepted = `carillon_webhooks_received_total{result="accepted"}`;
  assert.equal(await metric(pair, accepted), 1);
});

Deno.test("the path of the service that it stands for takes webhooks, too", async () => {
  await using pair = await startPair();
  const answer = await post(pair, bodyOf("ox:mail:new", PAYLOAD), { path: "/api/v1/webhook" });
  assert.equal(answer.status, 200);
});

const REFUSED: readonly (readonly [WebhookFault, number, string])[] = [
  ["wrong-secret", 401, "unauthenticated"],
  ["wrong-signature", 401, "unauthenticated"],
  ["no-signature", 401, "unauthenticated"],
  ["stale", 401, "unauthenticated"],
  ["bad-topic", 400, "invalid_topic"],
  ["bad-user", 400, "invalid_request"],
  ["no-json", 400, "invalid_request"],
  ["large", 413, "payload_too_large"],
];

Deno.test("bad webhooks are refused, and none in a way that ends the subscription", async (t) => {
  await using pair = await startPair();
  const { middleware } = pair;
  subscribed(middleware);
  for (const [fault, status, code] of REFUSED) {
    await t.step(`${fault} is answered with ${status}`, async () => {
      assert.deepEqual(await middleware.emit(MAIL, fault), [status]);
      assert.equal(middleware.accounts.subscriptions.length, 1);
      if (code === "payload_too_large") return; // refused before anything counts it
      const counted = await metric(pair, `carillon_webhooks_received_total{result="${code}"}`);
      assert.ok(counted > 0, code);
    });
  }
  assert.equal(await metric(pair, "carillon_notifications_accepted_total"), 0);
});

Deno.test("a webhook that comes twice counts once", async () => {
  await using pair = await startPair();
  const { middleware } = pair;
  subscribed(middleware);
  assert.deepEqual(await middleware.emit(MAIL), [200]);
  assert.equal(await middleware.repeat(), 409);
  assert.equal(await metric(pair, "carillon_notifications_accepted_total"), 1);
});

Deno.test("an altered spelling of a signature does not make a copy another webhook", async () => {
  await using pair = await startPair();
  const body = bodyOf("ox:mail:new", PAYLOAD);
  const timestamp = Date.now();
  assert.equal((await post(pair, body, { timestamp })).status, 200);
  const hex = signWebhook(SIGNATURE_SECRET, { version: "1", timestamp, body }).toUpperCase();
  const headers = { "x-ox-signature": ` t=${timestamp},v1=${hex} ` };
  assert.equal((await post(pair, body, { timestamp, headers })).status, 409);
});

Deno.test("the version and the time are part of what is signed", async () => {
  await using pair = await startPair();
  const body = bodyOf("ox:mail:new", PAYLOAD);
  const timestamp = Date.now();
  const hex = signWebhook(SIGNATURE_SECRET, { version: "1", timestamp, body });
  for (const header of [`t=${timestamp + 1}, v1=${hex}`, `t=${timestamp}, v2=${hex}`, "v1=", hex]) {
    const answer = await post(pair, body, { headers: { "x-ox-signature": header } });
    assert.equal(answer.status, 401, header);
  }
});

Deno.test("while secrets are changed, the old and the new ones count", async () => {
  await using pair = await startPair({
    properties: {
      "io.carillon.openxchange.webhook.secrets": `Basic bmV3, ${SECRET}`,
      "io.carillon.openxchange.webhook.signatureSecrets": `new, ${SIGNATURE_SECRET}`,
    },
  });
  const { middleware, service } = pair;
  subscribed(middleware);
  assert.deepEqual(await middleware.emit(MAIL), [200]);
  const { webhook } = middleware;
  middleware.webhook = { ...webhook, webhookSecret: "Basic bmV3", signatureSecret: "new" };
  assert.deepEqual(await middleware.emit(MAIL), [200]);
  // The old ones are taken out.
  await service.configure(
    "zz.properties",
    "io.carillon.openxchange.webhook.secrets=Basic bmV3\n" +
      "io.carillon.openxchange.webhook.signatureSecrets=new\n",
  );
  assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
  assert.deepEqual(await middleware.emit(MAIL), [200]);
  middleware.webhook = webhook;
  assert.deepEqual(await middleware.emit(MAIL), [401]);
});

Deno.test("where no signature is asked for, the body's time and the body itself are checked", async () => {
  await using pair = await startPair({
    properties: { "io.carillon.openxchange.webhook.signatureSecrets": "" },
  });
  const { middleware } = pair;
  subscribed(middleware);
  assert.deepEqual(await middleware.emit(MAIL), [200]);
  assert.equal(await middleware.repeat(), 409);
  assert.deepEqual(await middleware.emit(MAIL, "stale"), [401]);
  const untimed = JSON.stringify({ event: "ox:mail:new", payload: PAYLOAD });
  assert.equal((await post(pair, untimed)).status, 401);
});

Deno.test("without secrets no webhook is taken, and the middleware keeps its subscriptions", async () => {
  await using pair = await startPair({
    properties: {
      "io.carillon.openxchange.webhook.secrets": "",
      "io.carillon.openxchange.webhook.signatureSecrets": "",
    },
  });
  subscribed(pair.middleware);
  assert.deepEqual(await pair.middleware.emit(MAIL), [503]);
  assert.equal(pair.middleware.accounts.subscriptions.length, 1);
});

Deno.test("a topic that nobody has heard of is published, and explained like others", async () => {
  await using pair = await startPair();
  const { status, body } = await post(pair, bodyOf("acme:unheard:of", PAYLOAD));
  assert.equal(status, 200);
  assert.equal(body.ids.length, 1);
  const path = "/v1/explain?context=1&user=3&topic=acme:unheard:of";
  assert.deepEqual((await pair.service.call("GET", path)).body.targets, []);
});

Deno.test("a body of another type, and a webhook of a service like this one, are refused", async () => {
  await using pair = await startPair();
  const body = bodyOf("ox:mail:new", PAYLOAD);
  const text = await post(pair, body, { headers: { "content-type": "text/plain" } });
  assert.equal(text.status, 415);
  const loop = await post(pair, body, { headers: { "x-carillon-webhook": "1" } });
  assert.deepEqual([loop.status, loop.body.code], [409, "conflict"]);
});
