/** What the pages of operators say, without a browser. */

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { NowContent } from "../../console/_now_page.tsx";
import { State } from "../../console/_text.tsx";
import type { NodeReport } from "../../core/node_report.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { SignedIn } from "./_console.ts";

const redis = sharedRedis();

/** The text of a page, without its elements. */
function textOf(html: string): string {
  return html.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

Deno.test("the credentials tell their environment and the provider's last answer", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  const one = await SignedIn.with(service, ADMIN_KEY);
  const shown = async () => textOf((await one.page("/console/credentials")).html);
  assert.match(await shown(), /gcm app legacy format at 127\.0\.0\.1:\d+ .* none since the start/);
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  await service.settled(await service.publish());
  assert.match(await shown(), / sent 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC none/);
  gcm.errors.set("t", "MessageTooBig");
  await service.settled(await service.publish({ data: { n: 2 } }));
  assert.match(await shown(), / rejected MessageTooBig/);
});

Deno.test("a story names the sockets that were sent the event, where they are recorded", async () => {
  for (const isRecorded of [true, false]) {
    await using service = await startTestService({
      properties: { "io.carillon.ledger.sockets": isRecorded },
    });
    const session = await service.mint();
    using _tab = await listen(service.host, { session, connection: "a-tab" });
    using _other = await listen(service.host, { session, connection: "another" });
    const id = await service.publish({ sourceToken: "another" });
    await service.settled(id);
    const { body } = await service.call("GET", `/v1/notifications/${id}`);
    assert.deepEqual(body.targets[0].sockets, isRecorded ? ["a-tab"] : undefined);
    const one = await SignedIn.with(service, ADMIN_KEY);
    const story = textOf((await one.page(`/console/notifications/${id}`)).html);
    assert.match(story, isRecorded ? /sockets a-tab / : /its open sockets/);
  }
});

Deno.test("a story has each attempt that failed, with the provider's answer to it", async () => {
  await using gcm = new FakeGcm();
  const { properties, files } = gcm.configuration;
  await using service = await startTestService({
    ...{ files, properties: { ...properties, "io.carillon.delivery.retryBase": 100 } },
  });
  gcm.errors.set("t", "Unavailable");
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  const id = await service.publish();
  await until("it was sent twice", () => gcm.arrived.length >= 2);
  gcm.errors.delete("t");
  await service.settled(id);
  const { body } = await service.call("GET", `/v1/notifications/${id}`);
  const [{ attempts, earlier }] = body.targets;
  assert.ok(attempts >= 3);
  assert.equal(earlier.length, attempts - 1);
  const one = await SignedIn.with(service, ADMIN_KEY);
  const story = textOf((await one.page(`/console/notifications/${id}`)).html);
  assert.match(
    story,
    /(?:retrying gcm of app , subscription \S+ : Unavailable .*){2}sent gcm of app/,
  );
});

Deno.test("a scheduled one is found by its state, and an operator cancels it", async () => {
  await using service = await startTestService();
  const deliverAt = new Date(Date.now() + 3_600_000).toISOString();
  const id = await service.publish({ deliverAt });
  const viewer = await SignedIn.with(service, await service.mintKey("read"));
  const list = textOf((await viewer.page("/console/notifications?state=scheduled")).html);
  assert.match(list, new RegExp(`scheduled for ${deliverAt.slice(0, 10)} [\\d:]+ UTC ${id}`));
  const path = `/console/notifications/${id}`;
  assert.doesNotMatch((await viewer.page(path)).html, /Cancel what/);
  assert.equal((await viewer.send("/console/notifications/cancel", { id })).status, 403);
  const operator = await SignedIn.with(service, ADMIN_KEY);
  assert.match((await operator.page(path)).html, /Cancel what is not sent/);
  const done = await operator.send("/console/notifications/cancel", { id });
  assert.match(textOf(done.html), /What was not sent is cancelled\..*: cancelled/);
  assert.doesNotMatch(done.html, /Cancel what/);
  const again = await operator.send("/console/notifications/cancel", { id });
  assert.match(again.html, /is cancelled/);
});

redisTest("on several nodes, any of them lists what is scheduled, and cancels it", async () => {
  await redis().flush();
  await using a = await startTestService({ store: redis().url });
  await using b = await startTestService({ store: redis().url });
  const deliverAt = new Date(Date.now() + 3_600_000).toISOString();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.unshift(await a.publish({ deliverAt, data: { n } }));
  await b.settled(await b.publish());
  const listed: string[] = [];
  for (let query = "?state=scheduled&limit=2"; query !== "";) {
    const { body } = await b.call("GET", `/v1/notifications${query}`);
    listed.push(...body.items.map(({ id }: { id: string }) => id));
    query = body.next === undefined ? "" : `?state=scheduled&limit=2&cursor=${body.next}`;
  }
  assert.deepEqual(listed, ids);
  const operator = await SignedIn.with(b, ADMIN_KEY);
  await operator.send("/console/notifications/cancel", { id: ids[0]! });
  assert.equal((await a.settled(ids[0]!)).state, "cancelled");
});

Deno.test("the story shows what was merged into it, and each socket that acknowledged", async () => {
  await using service = await startTestService({
    properties: { "com.openexchange.pns.delayDuration": 200 },
  });
  const one = await SignedIn.with(service, ADMIN_KEY);
  const mail = { data: { folder: "a", id: "1" } };
  const [first, second] = await service.publishAll([mail, mail]);
  for (const id of [first!, second!]) await service.settled(id);
  const story = async (id: string) => textOf((await one.page(`/console/notifications/${id}`)).html);
  assert.match(await story(first!), new RegExp(`merged into ${second}`));
  assert.match(await story(second!), new RegExp(`${first} accepted, and merged into this one`));

  const session = await service.mint();
  using tabs = new DisposableStack();
  for (const connection of ["tab-1", "tab-2"]) {
    const socket = io(service.address, {
      ...{ path: "/socket.io/appsuite/", query: { session, connection } },
      ...{ transports: ["websocket"], forceNew: true, reconnection: false },
    });
    tabs.defer(() => void socket.disconnect());
    // The last argument acknowledges.
    socket.onAny((...given) => given.at(-1)());
    await new Promise<void>((resolve) => socket.on("connect", resolve));
  }
  const id = await service.publish({ receipts: true });
  await until("both sockets are in the record", async () => {
    const text = await story(id);
    return ["tab-1", "tab-2"].every((name) =>
      text.includes(`delivered reported by open-xchange-appsuite , socket ${name}`)
    );
  });
});

Deno.test("a notification to many users shows how far it is, and its users in pages", async () => {
  await using service = await startTestService();
  const users = Array.from({ length: 120 }, (_, n) => `user-${n}`);
  const { body } = await service.call("POST", "/v1/notifications", {
    body: { context: "1", users, topic: "ox:mail:new", data: { folder: "a", id: "1" } },
  });
  const id = body.ids[0];
  const one = await SignedIn.with(service, ADMIN_KEY);
  await until("all are settled", async () => {
    const { html } = await one.page(`/console/notifications/${id}`);
    return textOf(html).includes("120 of 120 users are settled");
  });
  const list = textOf((await one.page("/console/notifications?state=suppressed")).html);
  assert.match(list, /user-119/);
  const seen = new Set<string>();
  let path: string | undefined = `/console/notifications/${id}`;
  for (let pages = 0; path !== undefined && pages < 9; pages++) {
    const { html } = await one.page(path);
    for (const [user] of html.matchAll(/user-\d+/g)) seen.add(user);
    path = /href="([^"]*users=[\d.]+)"/.exec(html)?.[1];
  }
  assert.equal(path, undefined);
  assert.equal(seen.size, 120);
});

Deno.test("a notification to a few users offers no page behind the last one", async () => {
  await using service = await startTestService();
  const { body } = await service.call("POST", "/v1/notifications", {
    body: { context: "1", users: ["a", "b"], topic: "ox:mail:new", data: { id: "1" } },
  });
  const one = await SignedIn.with(service, ADMIN_KEY);
  let html = "";
  await until("all are settled", async () => {
    ({ html } = await one.page(`/console/notifications/${body.ids[0]}`));
    return textOf(html).includes("2 of 2 users are settled");
  });
  assert.doesNotMatch(html, /More users/);
});

Deno.test("users whose notification is not accepted yet are shown with its time", async () => {
  await using service = await startTestService();
  const deliverAt = { local: new Date(Date.now() + 3_600_000).toISOString().slice(11, 16) };
  const { body } = await service.call("POST", "/v1/notifications", {
    body: { context: "1", users: ["a"], topic: "ox:mail:new", data: { id: "1" }, deliverAt },
  });
  const one = await SignedIn.with(service, ADMIN_KEY);
  await until("the user is shown", async () => {
    const { html } = await one.page(`/console/notifications/${body.ids[0]}`);
    assert.doesNotMatch(html, /undefined/);
    return /a scheduled for 20[-\d]+ [\d:]+ UTC not accepted yet/.test(textOf(html));
  });
});

Deno.test("an open breaker is shown as bad, an open socket as good", () => {
  const queue = {
    transport: "gcm",
    client: "app",
    inFlight: 0,
    waiting: 3,
    oldestMs: 90_000,
  } as const;
  const report: NodeReport = {
    ...{ node: "a", address: "127.0.0.1:1", at: 0, version: "1", ready: false, failed: ["store"] },
    ...{ sockets: {}, retriesWaiting: 0, accepted: 0, settled: {}, outcomes: [], credentials: [] },
    buffer: { waiting: 0, due: 0, running: 0, inFlight: 0 },
    queues: [{ ...queue, breaker: "open", reason: "401" }],
  };
  const html = String(NowContent({ state: { reports: [report], samples: [] } }));
  assert.match(html, /class="state bad">open<\/span> <bdi>401/);
  assert.match(html, /class="state bad">not ready<\/span> <bdi>store/);
  assert.match(html, /Oldest in a queue<\/dt><dd>1 min/);
  assert.match(html, /No socket is open\./);
  assert.match(String(State({ of: "open" })), /class="state good"/);
});

Deno.test("what is refused, and a page that there is not, leave the way to the others", async () => {
  await using service = await startTestService();
  const { id } = await service.mintSession();
  const viewer = await SignedIn.with(service, await service.mintKey("read"));
  const refused = await viewer.send("/console/users/revoke", { id, context: "1", user: "3" });
  assert.equal(refused.status, 403);
  assert.match(textOf(refused.html), /scope .* Sessions/);
  const missing = await viewer.page("/console/nothing");
  assert.equal(missing.status, 404);
  assert.match(textOf(missing.html), /Dead letters .* There is no such page\./);
});

Deno.test("empty pages say what that means, and half a question what is missing", async () => {
  await using service = await startTestService();
  const one = await SignedIn.with(service, ADMIN_KEY);
  const shown = async (path: string) => textOf((await one.page(`/console${path}`)).html);
  assert.match(await shown("/notifications"), /No notification has been accepted yet\./);
  assert.match(await shown("/notifications?user=4"), /No notification matches\./);
  assert.match(await shown("/dead-letters"), /Nothing has been given up\./);
  assert.match(await shown("/dead-letters?context=4"), /No dead letter matches\./);
  assert.match(await shown("/users?context=1&user=3"), /No socket is open: no browser tab/);
  assert.match(await shown("/why?context=1&user=3"), /Name a topic as well, or a notification\./);
  assert.match(await shown("/configuration?find=nothing"), /No key matches\./);
  assert.match(await shown("/configuration?context=1"), /Name both a context and a user/);
  const own = await shown("/configuration?scope=server");
  assert.doesNotMatch(own, /built in/);
  assert.match(await shown("/configuration?scope=default"), /built in/);
});
