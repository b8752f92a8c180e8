import assert from "node:assert/strict";
import webPush from "npm:web-push@3.6.7";
import type { Message } from "../../../core/message.ts";
import type { Outcome } from "../../../core/outcome.ts";
import type { Target } from "../../../core/subscription.ts";
import {
  createWebPushTransport,
  type WebPushDeps,
  type WebPushOptions,
} from "../../../transports/webpush/mod.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { makeBrowser } from "./_browser.ts";
import { startPushService } from "./_push_service.ts";

const HOUR_MS = 3_600_000;
const CLIENT = "open-xchange-appsuite";
const MESSAGE: Message = {
  id: "0190163d-8694-739b-aea5-966c26f8ad91",
  topic: "ox:mail:new",
  data: { folder: "default0/INBOX", id: "113" },
  priority: "high",
  silent: false,
  title: "Jane Doe",
  body: "Let's meet",
  collapseKey: "default0/INBOX/113",
};

Deno.test("a message reaches the browser and nobody else can have written it", async () => {
  const clock = new FakeClock();
  await using service = await startPushService(() => clock.now());
  const keys = newKeys();
  await using transport = await configured({ clock, cert: service.cert }, {
    ...keys,
    hosts: [service.host],
  });
  const browser = await makeBrowser();
  const token = transport.parseAddress(CLIENT, browser.subscription(`${service.origin}/one`));
  assert.deepEqual(await send(transport, token), { kind: "sent" });
  const [request] = service.received;
  assert.equal(request!.publicKey, keys.publickey);
  const { title, body, data } = await browser.read(request!.body);
  assert.deepEqual({ title, body, data }, {
    title: "Jane Doe",
    body: "Let's meet",
    data: MESSAGE.data,
  });
});

Deno.test("a redirect is reported and never followed", async () => {
  const { outcome, received } = await sendTo(() =>
    new Response(null, { status: 307, headers: { location: "/elsewhere" } })
  );
  assert.equal(outcome.kind, "rejected");
  assert.equal(received.length, 1);
});

Deno.test("a subscription made with an older key is reached with that key, then at once", async () => {
  const clock = new FakeClock();
  const [current, old] = [newKeys(), newKeys()];
  await using service = await startPushService(
    () => clock.now(),
    ({ publicKey }) =>
      publicKey === old.publickey ? new Response(null, { status: 201 }) : new Response(
        '{"errno":109,"message":"VAPID public key mismatch"}',
        { status: 401 },
      ),
  );
  await using transport = await configured({ clock, cert: service.cert }, {
    ...current,
    hosts: [service.host],
    previouskeys: [old],
  });
  const token = await tokenFor(`${service.origin}/one`);
  assert.equal((await send(transport, token)).kind, "sent");
  assert.equal((await send(transport, token)).kind, "sent");
  const used = service.received.map(({ publicKey }) => publicKey);
  assert.deepEqual(used, [current.publickey, old.publickey, old.publickey]);
});

Deno.test("a subscription that names its key is tried with no other", async () => {
  const clock = new FakeClock();
  const [current, old] = [newKeys(), newKeys()];
  await using service = await startPushService(() => clock.now());
  await using transport = await configured({ clock, cert: service.cert }, {
    ...current,
    hosts: [service.host],
    oldkeys: [old],
  });
  const token = await tokenFor(`${service.origin}/one`, old.publickey);
  assert.equal((await send(transport, token)).kind, "sent");
  assert.deepEqual(service.received.map(({ publicKey }) => publicKey), [old.publickey]);
});

for (
  const [status, answer] of [
    [403, { reason: "VapidPkHashMismatch" }],
    [401, { errno: 109, message: "VAPID public key mismatch" }],
    [403, { reason: "Forbidden" }],
  ] as const
) {
  const what = `${status} ${JSON.stringify(answer)}`;
  Deno.test(`a subscription whose key is no longer configured must be created again: ${what}`, async () => {
    const outcome = await sendWithUnknownKey(() => Response.json(answer, { status }));
    assert.deepEqual(outcome, { kind: "rejected", reason: "resubscribe" });
  });
}

Deno.test("a dead subscription is gone although its key is no longer configured", async () => {
  const outcome = await sendWithUnknownKey(() => new Response(null, { status: 410 }));
  assert.deepEqual(outcome, { kind: "gone", reason: "410" });
});

Deno.test("a subscription made with a key that is not ours is kept, and must be made again", async () => {
  const { outcome, status } = await sendTo(() =>
    Response.json({ reason: "VapidPkHashMismatch" }, { status: 403 })
  );
  assert.deepEqual(outcome, { kind: "rejected", reason: "resubscribe" });
  assert.match(status[0]!.detail!, /neither 'publickey' nor in 'previouskeys'/);
  assert.equal(status[0]!.ready, true);
});

Deno.test("pages receive the current public key, whatever the earlier ones are", async () => {
  const current = newKeys();
  await using transport = await configured({ clock: new FakeClock() }, {
    ...current,
    previouskeys: [newKeys()],
    oldkeys: [newKeys()],
  });
  assert.equal(transport.publicKey(CLIENT), current.publickey);
  assert.equal(transport.publicKey("another"), undefined);
});

Deno.test("a push service that never took our key and refuses it stops the client", async () => {
  const { outcome, received } = await sendTo(() => new Response(null, { status: 401 }));
  assert.equal(outcome.kind, "misconfigured");
  // The token is new: another one would be refused as well.
  assert.equal(received.length, 1);
});

Deno.test("a refusal by a push service that took our key before only delays", async () => {
  const clock = new FakeClock();
  await using service = await startPushService(
    () => clock.now(),
    ({ path }) => new Response(null, { status: path === "/odd" ? 401 : 201 }),
  );
  await using transport = await configured({ clock, cert: service.cert }, {
    ...newKeys(),
    hosts: [service.host],
  });
  assert.equal((await send(transport, await tokenFor(`${service.origin}/good`))).kind, "sent");
  const odd = await tokenFor(`${service.origin}/odd`);
  for (let time = 1; time < 10; time++) {
    assert.equal((await send(transport, odd)).kind, "retry");
  }
  assert.equal((await send(transport, odd)).kind, "misconfigured");
});

Deno.test("a refused token that is old is replaced and tried once more", async () => {
  const clock = new FakeClock();
  let refusing = false;
  const headers = new Set<string | null>();
  await using service = await startPushService(() => clock.now(), (request) => {
    headers.add(request.headers.get("authorization"));
    return new Response(null, { status: refusing && headers.size === 1 ? 401 : 201 });
  });
  await using transport = await configured({ clock, cert: service.cert }, {
    ...newKeys(),
    hosts: [service.host],
  });
  const token = await tokenFor(`${service.origin}/one`);
  await send(transport, token);
  await clock.advance(HOUR_MS);
  refusing = true;
  assert.equal((await send(transport, token)).kind, "sent");
  assert.equal(headers.size, 2);
});

Deno.test("an endpoint on a foreign host is refused when subscribing and when sending", async () => {
  const clock = new FakeClock();
  await using service = await startPushService(() => clock.now());
  await using transport = await configured({ clock, cert: service.cert }, newKeys());
  const browser = await makeBrowser();
  assert.throws(
    () => transport.parseAddress(CLIENT, browser.subscription(`${service.origin}/one`)),
    { code: "invalid_token", message: /host is not allowed/ },
  );
  const outcome = await send(transport, await tokenFor(`${service.origin}/one`));
  assert.equal(outcome.kind, "rejected");
  assert.equal(service.received.length, 0);
});

Deno.test("any public host is not called while its name has a private address", async () => {
  const clock = new FakeClock();
  const fetch = () => assert.fail("it was called");
  const resolve = () => Promise.resolve(["93.184.215.14", "10.0.0.1"]);
  await using transport = await configured({ clock, fetch, resolve }, {
    ...newKeys(),
    anypublichost: true,
  });
  const token = await tokenFor("https://push.example.org/one");
  assert.deepEqual(await send(transport, token), {
    kind: "rejected",
    reason: "the endpoint: its host does not resolve to public addresses only",
  });
});

Deno.test("names are resolved again at every send to any public host", async () => {
  const clock = new FakeClock();
  const answers = [["93.184.215.14"], ["127.0.0.1"]];
  const fetch = () => Promise.resolve(new Response(null, { status: 201 }));
  const resolve = () => Promise.resolve(answers.shift()!);
  await using transport = await configured({ clock, fetch, resolve }, {
    ...newKeys(),
    anypublichost: true,
  });
  const token = await tokenFor("https://push.example.org/one");
  assert.equal((await send(transport, token)).kind, "sent");
  assert.equal((await send(transport, token)).kind, "rejected");
});

Deno.test("a public host that refuses our key stops no other subscription", async () => {
  const clock = new FakeClock();
  await using transport = await configured({
    clock,
    fetch: () => Promise.resolve(new Response(null, { status: 401 })),
    resolve: () => Promise.resolve(["93.184.215.14"]),
  }, { ...newKeys(), anypublichost: true });
  const outcome = await send(transport, await tokenFor("https://push.example.org/one"));
  assert.equal(outcome.kind, "rejected");
});

Deno.test("a public host whose name does not resolve is tried again", async () => {
  const clock = new FakeClock();
  const resolve = () => Promise.reject(new Deno.errors.NotFound());
  await using transport = await configured({ clock, resolve }, {
    ...newKeys(),
    anypublichost: true,
  });
  const outcome = await send(transport, await tokenFor("https://push.example.org/one"));
  assert.equal(outcome.kind, "retry");
});

Deno.test("Windows' push service is asked to keep the message", async () => {
  const clock = new FakeClock();
  const policies: (string | null)[] = [];
  await using transport = await configured({
    clock,
    fetch: (_url, init) => {
      policies.push(new Headers(init?.headers).get("x-wns-cache-policy"));
      return Promise.resolve(new Response(null, { status: 201 }));
    },
  }, newKeys());
  await send(transport, await tokenFor("https://wns2-by3p.notify.windows.com/w/?token=x"));
  await send(transport, await tokenFor("https://fcm.googleapis.com/fcm/send/x"));
  assert.deepEqual(policies, ["cache", null]);
});

Deno.test("an invalid stored token is rejected without an exception", async () => {
  await using transport = await configured({ clock: new FakeClock() }, newKeys());
  assert.equal((await send(transport, "garbage")).kind, "rejected");
});

Deno.test("a message that cannot be made to fit is rejected", async () => {
  await using transport = await configured({ clock: new FakeClock() }, newKeys());
  const outcome = await transport.send(
    target(await tokenFor("https://fcm.googleapis.com/fcm/send/x")),
    { ...MESSAGE, extra: { blob: "x".repeat(5000) } },
    new AbortController().signal,
  );
  assert.deepEqual(outcome, { kind: "rejected", reason: "the message is too large" });
});

Deno.test("an invalid entry affects only its own client and is reported", async () => {
  await using transport = createWebPushTransport(deps({ clock: new FakeClock() }));
  const broken = { ...newKeys(), privatekey: newKeys().privatekey };
  const faults = await transport.configure(
    new Map([["good", options(newKeys())], ["broken", options(broken)]]),
  );
  assert.deepEqual(faults, [
    { client: "broken", message: "'publickey' and 'privatekey' are not one pair" },
  ]);
  assert.deepEqual([transport.serves("good"), transport.serves("broken")], [true, false]);
  assert.deepEqual(transport.status().map(({ client, ready }) => [client, ready]), [
    ["broken", false],
    ["good", true],
  ]);
});

Deno.test("an earlier key whose halves differ is named by its place", async () => {
  await using transport = createWebPushTransport(deps({ clock: new FakeClock() }));
  const pairs = [newKeys(), { ...newKeys(), privatekey: newKeys().privatekey }];
  for (const name of ["previouskeys", "oldkeys"]) {
    const [fault] = await transport.configure(
      new Map([[CLIENT, options({ ...newKeys(), [name]: pairs })]]),
    );
    assert.ok(fault!.message.startsWith(`${name}[1]: `), fault!.message);
  }
});

Deno.test("a disabled client is not served", async () => {
  await using transport = await configured({ clock: new FakeClock() }, {
    ...newKeys(),
    enabled: false,
  });
  assert.equal(transport.serves(CLIENT), false);
  const token = await tokenFor("https://fcm.googleapis.com/fcm/send/x");
  assert.equal((await send(transport, token)).kind, "misconfigured");
});

/** The outcome of a message for one answer of a push service. */
async function sendTo(answer: () => Response) {
  const clock = new FakeClock();
  await using service = await startPushService(() => clock.now(), answer);
  await using transport = await configured({ clock, cert: service.cert }, {
    ...newKeys(),
    hosts: [service.host],
  });
  const outcome = await send(transport, await tokenFor(`${service.origin}/one`));
  return { outcome, received: service.received, status: transport.status() };
}

/** The outcome of a message to a subscription whose key is neither current nor earlier. */
async function sendWithUnknownKey(answer: () => Response): Promise<Outcome> {
  const clock = new FakeClock();
  await using service = await startPushService(() => clock.now(), answer);
  await using transport = await configured({ clock, cert: service.cert }, {
    ...newKeys(),
    hosts: [service.host],
    previouskeys: [newKeys()],
  });
  return await send(transport, await tokenFor(`${service.origin}/one`, newKeys().publickey));
}

interface World extends Partial<Pick<WebPushDeps, "fetch" | "resolve">> {
  readonly clock: FakeClock;
  /** PEM that the client's `cafile` contains. */
  readonly cert?: string;
}

type Entry = Omit<WebPushOptions, "subject">;

async function configured(world: World, entry: Entry) {
  const transport = createWebPushTransport(deps(world));
  const cafile = world.cert === undefined ? {} : { cafile: "/conf/ca.pem" };
  const faults = await transport.configure(new Map([[CLIENT, options({ ...entry, ...cafile })]]));
  assert.deepEqual(faults, []);
  return transport;
}

function options(entry: Entry): WebPushOptions {
  return { subject: "mailto:ops@example.com", ...entry };
}

function deps({ clock, cert = "", ...own }: World): WebPushDeps {
  return {
    clock,
    fetch: (input, init) => fetch(input, init),
    resolve: () => Promise.reject(new Error("unexpected")),
    readTextFile: () => Promise.resolve(cert),
    createHttpClient: (options) => Deno.createHttpClient(options),
    ...own,
  };
}

function newKeys() {
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  return { publickey: publicKey, privatekey: privateKey };
}

async function tokenFor(endpoint: string, applicationServerKey?: string): Promise<string> {
  const subscription = (await makeBrowser()).subscription(endpoint);
  return JSON.stringify({ ...subscription, applicationServerKey });
}

function target(token: string): Target {
  const [context, user] = ["1", "4"];
  return { context, user, client: CLIENT, transport: "webpush", token, refreshedAt: 0 };
}

function send(
  transport: ReturnType<typeof createWebPushTransport>,
  token: string,
): Promise<Outcome> {
  return Promise.resolve(transport.send(target(token), MESSAGE, new AbortController().signal));
}
