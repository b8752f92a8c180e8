/** The console with much to show: many nodes, dead letters, subscriptions and notifications. */

import assert from "node:assert/strict";
import { FakeGcm } from "../support/fake_gcm.ts";
import { listen } from "../support/listener.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { SignedIn } from "./_console.ts";

const redis = sharedRedis();
const DEAD = 10_000;
const BATCH = 1_000;

redisTest("the console at any node shows all nodes, and a session is known to each", async () => {
  await redis().flush();
  await using a = await startTestService({ store: redis().url });
  await using b = await startTestService({ store: redis().url });
  using _socket = await listen(b.host, { session: await a.mint() });
  const one = await SignedIn.with(a, ADMIN_KEY);
  const elsewhere = new SignedIn(b.address, one.cookie, one.csrf);
  for (const each of [one, elsewhere]) {
    await until("both nodes are shown with the socket of one", async () => {
      const { html } = await each.page("/console");
      return html.includes(a.host) && html.includes(b.host) &&
        html.includes("<dt>Sockets</dt><dd>1</dd>");
    });
  }
  const id = await a.publish();
  await b.settled(id);
  assert.match((await elsewhere.page("/console/notifications")).html, new RegExp(id));
  assert.match((await one.page("/console/users?context=1&user=3")).html, /open-xchange-appsuite/);
});

Deno.test("ten thousand dead letters are paged, and replayed a thousand at a time", async () => {
  await using gcm = new FakeGcm();
  await using service = await startTestService(gcm.configuration);
  gcm.errors.set("t", "MessageTooBig");
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  for (let n = 0; n < DEAD; n += BATCH) {
    await service.publishAll(Array.from({ length: BATCH }, (_, at) => ({ data: { n: n + at } })));
  }
  await until("all are dead", async () => {
    const { text } = await service.call("GET", "/metrics");
    return text.includes(`settled_total{state="dead"} ${DEAD}`);
  }, 60_000);
  const one = await SignedIn.with(service, ADMIN_KEY);
  const { html } = await one.page("/console/dead-letters");
  assert.equal(html.match(/>Replay</g)!.length, 50);
  assert.match(html, />\s*More\s*</);
  const replayed = await one.send("/console/dead-letters/replay", { transport: "gcm" });
  assert.match(replayed.html, /1000 dead letters are replayed\. There are more/);
});

Deno.test("a notification to many users shows how far it is, and its users in pages", async () => {
  await using service = await startTestService({
    properties: { "com.openexchange.pns.delayDuration": 60_000 },
  });
  const users = Array.from({ length: 1_200 }, (_, n) => `user ${n}`);
  const body = { context: "1", users, topic: "ox:mail:new", data: {} };
  const { body: { ids: [id] } } = await service.call("POST", "/v1/notifications", { body });
  const path = `/console/notifications/${id}`;
  const one = await SignedIn.with(service, ADMIN_KEY);
  const progress = async () => {
    const { html } = await one.page(path);
    return html.replaceAll(/<[^>]*>/g, "").replaceAll(/\s+/g, " ");
  };
  await until("all are accepted", async () => {
    return (await progress()).includes("0 of 1,200 users so far are settled");
  });
  const shown = new Set<string>();
  for (let next: string | undefined = path; next !== undefined;) {
    const { html } = await one.page(next);
    for (const [, user] of html.matchAll(/>(user \d+)</g)) shown.add(user!);
    next = /href="([^"]+)"[^>]*>More users</.exec(html)?.[1];
  }
  assert.equal(shown.size, users.length);
  await service.call("DELETE", `/v1/notifications/${id}`);
  await until("all are settled", async () => {
    return (await progress()).includes("1,200 of 1,200 users are settled");
  });
});

Deno.test("a user with as many subscriptions as the store takes, some 400, is shown in pages", async () => {
  await assertShown(400);
});

redisTest("a user with 500 subscriptions on Redis is shown in pages", async () => {
  await redis().flush();
  await assertShown(500, redis().url);
});

/** A user's subscriptions are all shown, page after page. */
async function assertShown(subscriptions: number, store?: string): Promise<void> {
  await using gcm = new FakeGcm();
  await using service = await startTestService({
    ...gcm.configuration,
    ...store !== undefined && { store },
    properties: { "io.carillon.subscriptions.maxPerUser": 500 },
  });
  for (let n = 0; n < subscriptions; n += 5) {
    await Promise.all(
      Array.from(
        { length: 5 },
        (_, at) => service.subscribe({ client: "app", transport: "gcm", token: `token-${n + at}` }),
      ),
    );
  }
  const one = await SignedIn.with(service, ADMIN_KEY);
  let path = "/console/users?context=1&user=3";
  let shown = 0;
  for (let pages = 1; pages <= 10; pages++) {
    const { html } = await one.page(path);
    shown += html.match(/>Test send</g)!.length;
    const next = /href="(\/console\/users\?[^"]*cursor=[^"]*)"/.exec(html)?.[1];
    if (next === undefined) break;
    path = next.replaceAll("&amp;", "&");
  }
  assert.equal(shown, subscriptions);
}

Deno.test("a filter that matches little stops after its share of work and says so", async () => {
  await using service = await startTestService();
  const first = await service.publish({ user: "rare", data: { n: -1 } });
  for (let n = 0; n < 21_000; n += BATCH) {
    await service.publishAll(Array.from({ length: BATCH }, (_, at) => ({ data: { n: n + at } })));
  }
  await service.settled(first);
  const one = await SignedIn.with(service, ADMIN_KEY);
  const { html } = await one.page("/console/notifications?context=1&user=rare");
  assert.match(html, /The search stopped after 20,000/);
  const next = /href="\/console\/notifications(\?[^"]*cursor=[^"]*)"/.exec(html)![1]!.replaceAll(
    "&amp;",
    "&",
  );
  assert.match((await one.page(`/console/notifications${next}`)).html, new RegExp(first));
});
