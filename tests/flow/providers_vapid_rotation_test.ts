import assert from "node:assert/strict";
import { sampleConfiguration } from "../../simulator/sample_configuration.ts";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { until } from "../support/until.ts";
import { CLIENTS, mail, type Providers, startProviders } from "./_providers.ts";

const CLIENT = CLIENTS.webpush;
const FILE = "pns-webpush-options.yml";

type KeyPair = Awaited<ReturnType<typeof makeVapidKeys>>;

Deno.test("a VAPID key is rotated by a reload, and no browser misses a message", async () => {
  await using providers = await startProviders();
  const { service, simulator } = providers;
  const old = pairOf(providers);
  assert.equal(await currentKey(providers), old.publickey);
  await subscribe(providers, { user: "says its key", key: old.publickey, says: old.publickey });
  await subscribe(providers, { user: "says nothing", key: old.publickey });

  const fresh = await makeVapidKeys();
  await rotate(providers, fresh, [old]);
  assert.equal(await currentKey(providers), fresh.publickey);
  await subscribe(providers, { user: "is new", key: fresh.publickey, says: fresh.publickey });

  for (const user of ["says its key", "says nothing", "is new"]) {
    const { state, targets } = await service.settled(await service.publish(mail(1, { user })));
    assert.deepEqual([user, state, targets[0]?.state], [user, "delivered", "sent"]);
  }
  // A browser that says its key is not tried with another one first.
  const refused = simulator.received.list({ provider: "webpush", accepted: false });
  assert.deepEqual(refused.map(({ reason }) => reason), ["VapidPkHashMismatch"]);
});

Deno.test("a browser whose key was dropped is reported to the publisher, and served again with it", async () => {
  const delivered: { readonly type: string; readonly data: Record<string, unknown> }[] = [];
  await using receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      delivered.push(await request.json());
      return new Response(null, { status: 204 });
    },
  );
  await using providers = await startProviders({
    properties: {
      "io.carillon.feedback.url": `http://127.0.0.1:${receiver.addr.port}/`,
      "io.carillon.feedback.secret": "a secret",
    },
  });
  const { service } = providers;
  const old = pairOf(providers);
  const users = { "says its key": old.publickey, "says nothing": undefined };
  const ids = new Map<string, string>();
  for (const [user, says] of Object.entries(users)) {
    ids.set(user, await subscribe(providers, { user, key: old.publickey, ...says && { says } }));
  }

  const fresh = await makeVapidKeys();
  await rotate(providers, fresh, []);
  for (const [user, id] of ids) {
    const notification = await service.publish(mail(1, { user }));
    const { state, targets } = await service.settled(notification);
    assert.deepEqual([state, targets[0]?.state, targets[0]?.reason], [
      "dead",
      "rejected",
      "resubscribe",
    ]);
    const { type, data } = await until(
      "the webhook arrives",
      () => delivered.find(({ data }) => data.notification === notification),
    );
    assert.deepEqual([type, data.reason, data.subscription], ["message.dead", "resubscribe", id]);
  }
  assert.match((await warningOf(providers))!, /'previouskeys'/);

  await rotate(providers, fresh, [old]);
  for (const user of ids.keys()) {
    const { state } = await service.settled(await service.publish(mail(2, { user })));
    assert.equal(state, "delivered");
  }
});

interface Browser {
  readonly user: string;
  /** The public key that its page subscribed with. */
  readonly key: string;
  /** The key that the page hands over with the subscription. */
  readonly says?: string;
}

/** Subscribes a new browser at the push service, then at the service. */
async function subscribe(
  { service, simulator }: Providers,
  { user, key, says }: Browser,
): Promise<string> {
  const subscription = simulator.subscribe({ applicationServerKey: key });
  const token = { ...subscription, ...says !== undefined && { applicationServerKey: says } };
  return await service.subscribe({ user, client: CLIENT, transport: "webpush", token });
}

function pairOf({ simulator: { material: { vapid } } }: Providers): KeyPair {
  return { publickey: vapid.publicKey, privatekey: vapid.privateKey };
}

async function currentKey({ service }: Providers): Promise<string> {
  const { status, body } = await service.call("GET", `/v1/webpush/${CLIENT}/key`, { key: null });
  assert.equal(status, 200);
  return body.applicationServerKey;
}

/** Makes a pair the current one and reloads; resolves when the service works with it. */
async function rotate(
  providers: Providers,
  { publickey, privatekey }: KeyPair,
  previouskeys: readonly KeyPair[],
): Promise<void> {
  const { service, simulator, folder } = providers;
  const material = {
    ...simulator.material,
    vapid: { publicKey: publickey, privateKey: privatekey },
  };
  const files = sampleConfiguration({ addresses: simulator.addresses, material, folder });
  const { content } = files.find(({ path }) => path === `conf/${FILE}`)!;
  const earlier = `    previouskeys: ${JSON.stringify(previouskeys)}\n`;
  await service.configure(FILE, `${content}${earlier}`);
  const { status } = await service.call("POST", "/v1/admin/reload", {});
  assert.equal(status, 200);
  // A new client has not met a subscription of another key yet.
  await until(
    "the keys are taken over",
    async () =>
      await currentKey(providers) === publickey && await warningOf(providers) === undefined,
  );
}

async function warningOf({ service }: Providers): Promise<string | undefined> {
  const { body } = await service.call("GET", "/readyz");
  return body.checks["transport webpush"].detail[0].detail;
}
