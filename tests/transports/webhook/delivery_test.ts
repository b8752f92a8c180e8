import assert from "node:assert/strict";
import { readWebhookSignature, signWebhook } from "../../../core/webhook_signature.ts";
import type { Target } from "../../../core/subscription.ts";
import { webhookOptionsSchema } from "../../../transports/webhook/settings.ts";
import { WebhookClient } from "../../../transports/webhook/webhook_client.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { startTestService, type TestService } from "../../support/start_service.ts";
import { until } from "../../support/until.ts";

interface Received {
  readonly headers: Headers;
  readonly text: string;
}

/** A receiver of webhooks on loopback. */
function startReceiver() {
  const received: Received[] = [];
  const state = { status: 200 };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    received.push({ headers: request.headers, text: await request.text() });
    return new Response(null, { status: state.status });
  });
  return {
    ...{ received, state, uri: `http://127.0.0.1:${server.addr.port}/hooks/ox` },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const WEBHOOKS = "com.openexchange.pns.transport.webhooks";
const OPEN = { [`${WEBHOOKS}.httpsOnly`]: false, [`${WEBHOOKS}.allowLocalWebhooks`]: true };

async function start(
  yml: string,
  properties: Readonly<Record<string, string | boolean>> = OPEN,
): Promise<TestService> {
  return await startTestService({
    properties: {
      "com.openexchange.webhooks.enabledIds": "crm",
      "io.carillon.delivery.retryBase": "5",
      "io.carillon.delivery.retryMax": "50",
      ...properties,
    },
    files: { "webhooks.yml": yml },
  });
}

async function subscribe(
  service: TestService,
  body: Readonly<Record<string, unknown>> = {},
  user = "3",
) {
  const session = await service.mint(user);
  return await service.call("PUT", `/ajax/pns?action=subscribe&session=${session}`, {
    key: null,
    body: { client: "crm", transport: "webhook", topics: ["ox:*"], ...body },
  });
}

async function subscriptions(service: TestService) {
  return (await service.call("GET", "/v1/subscriptions")).body.items;
}

Deno.test("a subscribed webhook is called with the original's body, secret and signature", async () => {
  await using receiver = startReceiver();
  await using service = await start(
    `crm: { uri: "${receiver.uri}", webhookSecret: s3cret, signatureSecret: key, ` +
      "signatureHeaderName: X-My-Signature, version: 3 }",
  );
  assert.deepEqual((await subscribe(service)).body, { data: { success: true } });
  await service.publish({ sourceToken: "tab-1" });
  const [{ headers, text }] = await until(
    "it is called",
    () => receiver.received.length > 0 ? receiver.received : undefined,
  ) as [Received];
  const { event, payload, timestamp } = JSON.parse(text);
  assert.equal(event, "ox:mail:new");
  assert.deepEqual([payload.user, payload.context, payload.sourceToken], [3, 1, "tab-1"]);
  assert.equal(payload.subject, "Let's meet");
  assert.equal(headers.get("authorization"), "s3cret");
  assert.match(headers.get("content-type")!, /^application\/json/);
  const signature = readWebhookSignature(headers.get("x-my-signature")!);
  assert.deepEqual([signature?.timestamp, signature?.version], [timestamp, "3"]);
  assert.equal(signature?.hex, signWebhook("key", { version: "3", timestamp, body: text }));
});

Deno.test("a subscription may bring its own credential, which nobody can read afterwards", async () => {
  await using receiver = startReceiver();
  await using service = await start(`crm: { uri: "${receiver.uri}", login: a, password: b }`);
  const meta = { username: "jane", password: "pw" };
  assert.equal((await subscribe(service, { meta })).body.data.success, true);
  const [item] = await subscriptions(service);
  assert.equal(item.meta, undefined);
  await service.publish();
  await until("it is called", () => receiver.received.length > 0);
  assert.equal(receiver.received[0]!.headers.get("authorization"), `Basic ${btoa("jane:pw")}`);
});

Deno.test("subscriptions that the configuration does not allow are denied with PNS-0012", async () => {
  const yml = "crm: { uri: 'https://hooks.example.com/ox', maxTimeToLiveMillis: 60000 }\n" +
    "other: { uri: 'https://hooks.example.com/ox' }\n" +
    "inside: { uri: 'https://10.0.0.7/ox' }\nplain: { uri: 'http://hooks.example.com/ox' }";
  await using service = await start(yml, {
    "com.openexchange.webhooks.enabledIds": "crm, inside, plain",
  });
  const cases = [
    { client: "unheard" },
    { client: "inside" },
    { client: "plain" },
    { token: "https://evil.example.net/ox" },
    { token: "http://hooks.example.com/ox" },
    { expires: 1 },
    { expires: Date.now() + 3_600_000 },
  ];
  for (const body of cases) {
    assert.equal((await subscribe(service, body)).body.code, "PNS-0012", JSON.stringify(body));
  }
  assert.deepEqual(await subscriptions(service), []);
  // Without a time of its own it lives as long as it may.
  await subscribe(service);
  const [{ expires }] = await subscriptions(service);
  assert.ok(Date.parse(expires) <= Date.now() + 60_000);
});

Deno.test("a webhook that is not among a user's ids is denied, and not called", async () => {
  await using receiver = startReceiver();
  await using service = await start(`crm: { uri: "${receiver.uri}" }`);
  await subscribe(service);
  const path = "/v1/contexts/1/users/3/config";
  const key = "com.openexchange.webhooks.enabledIds";
  await service.call("PATCH", path, { body: { attributes: { [key]: "" } } });
  assert.equal((await subscribe(service)).body.code, "PNS-0012");
  const { body } = await service.call("GET", "/v1/explain?context=1&user=3&topic=ox:mail:new");
  assert.equal(body.targets[0].send, false);
  const chosen = body.targets[0].trail.filter((step: { chosen: boolean }) => step.chosen);
  assert.deepEqual(chosen.map((step: { key: string; scope: string }) => [step.key, step.scope]), [
    [key, "user"],
  ]);
  const id = await service.publish();
  const record = await service.settled(id);
  assert.equal(record.targets[0]!.state, "disabled");
  assert.equal(receiver.received.length, 0);
});

Deno.test("one address serves many users, or one where it may not be shared", async () => {
  await using receiver = startReceiver();
  const yml = (shared: boolean) => `crm: { uri: "${receiver.uri}", allowSharedUri: ${shared} }`;
  for (const [shared, left] of [[true, ["3", "4"]], [false, ["4"]]] as const) {
    await using service = await start(yml(shared));
    await subscribe(service);
    await subscribe(service, {}, "4");
    const users = (await subscriptions(service)).map((one: { user: string }) => one.user);
    assert.deepEqual(users.sort(), left);
  }
});

Deno.test("a user has only so many subscriptions with a webhook", async () => {
  await using receiver = startReceiver();
  await using service = await start(
    `crm: { uri: "${receiver.uri}", maxNumberOfSubscriptionsPerUser: 2 }`,
  );
  for (const n of [1, 2]) {
    const { body } = await subscribe(service, { token: `${receiver.uri}/${n}` });
    assert.equal(body.data?.success, true);
  }
  const { body } = await subscribe(service, { token: `${receiver.uri}/3` });
  assert.equal(body.code, "PNS-0013");
});

Deno.test("404 ends a subscription, 500 is tried again", async () => {
  await using receiver = startReceiver();
  await using service = await start(`crm: { uri: "${receiver.uri}" }`);
  await subscribe(service);
  receiver.state.status = 500;
  const id = await service.publish();
  await until("it was tried", () => receiver.received.length >= 1);
  receiver.state.status = 200;
  assert.equal((await service.settled(id)).targets[0]!.state, "sent");
  receiver.state.status = 404;
  const { targets } = await service.settled(await service.publish());
  assert.equal(targets[0]!.state, "gone");
});

Deno.test("a name that resolves into the own network is not called", async () => {
  const clock = new FakeClock();
  const options = webhookOptionsSchema.parse({ uri: "https://hooks.example.com/ox" });
  const addresses = { current: ["93.184.215.14"] };
  const called: string[] = [];
  await using client = new WebhookClient({
    ...{ options, clock, http: { maxInFlight: 2, timeoutMs: 1000, allowLocal: false } },
    settingsOf: () => ({ enabledIds: ["crm"], httpsOnly: true }),
    metaOf: () => Promise.resolve(undefined),
    resolve: () => Promise.resolve(addresses.current),
    createHttpClient: () => Deno.createHttpClient({}),
    fetch(url) {
      called.push(String(url));
      return Promise.resolve(new Response());
    },
  });
  const { uri: token } = options;
  const target: Target = {
    ...{ context: "1", user: "3", client: "crm", token: token!, refreshedAt: 0 },
    transport: "webhook",
  };
  const message = { id: "1", topic: "a", data: {}, priority: "high" as const, silent: true };
  const send = () => client.send(target, message, new AbortController().signal);
  assert.equal((await send()).kind, "sent");
  // What was public when it was subscribed need not be so at the next delivery.
  for (const inside of ["127.0.0.1", "10.0.0.1", "fd00::1", "169.254.169.254"]) {
    addresses.current = ["93.184.215.14", inside];
    assert.equal((await send()).kind, "rejected", inside);
  }
  assert.deepEqual(called, [token]);
});

Deno.test("a webhook of the middleware that leads to this service does not go round", async () => {
  await using service = await startTestService({
    properties: {
      ...OPEN,
      "com.openexchange.webhooks.enabledIds": "switchboard",
      "io.carillon.openxchange.webhook.secrets": "s",
    },
  });
  await service.configure(
    "webhooks.yml",
    `switchboard: { uri: "${service.address}/v1/open-xchange/webhook", webhookSecret: s }`,
  );
  await service.call("POST", "/v1/admin/reload");
  await until("the webhook is known", async () => {
    const { body } = await subscribe(service, { client: "switchboard" });
    return body.data?.success === true;
  });
  const id = await service.publish();
  const { targets } = await service.settled(id);
  assert.deepEqual([targets[0]!.state, targets[0]!.reason], [
    "rejected",
    "the receiver answered 409",
  ]);
});
