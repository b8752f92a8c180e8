import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { ServiceError } from "../../core/errors.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";

Deno.test("a notification is delivered on every transport, and the ledger says so", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  bench.subscribe("gcm", "b");
  const id = await bench.publish();
  assert.equal(await bench.summary(id), "delivered apn=sent gcm=sent");
});

Deno.test("a message for several devices of one user is generated once", async () => {
  await using bench = await new PipelineBench().start();
  for (const token of ["one", "two", "three"]) bench.subscribe("apn", token);
  bench.subscribe("gcm", "four");
  await bench.publish();
  assert.deepEqual(bench.apn.arrivals.map(({ token }) => token), ["one", "two", "three"]);
  assert.equal(bench.gcm.arrivals.length, 1);
  assert.equal(bench.generated, 2, "for each transport one");
  await bench.publish();
  assert.equal(bench.generated, 4, "of each notification its own");
});

Deno.test("devices of one user that want other languages have messages of their own", async () => {
  await using bench = await new PipelineBench().start();
  for (const token of ["one", "two", "three"]) bench.subscribe("apn", token);
  bench.targets = bench.targets.map((target) =>
    target.token === "two" ? { ...target, locale: "de" } : target
  );
  await bench.publish();
  assert.deepEqual(bench.apn.arrivals.map(({ token }) => token), ["one", "two", "three"]);
  assert.equal(bench.generated, 3);
});

Deno.test("a notification without subscribers is suppressed, with the reason", async () => {
  await using bench = await new PipelineBench().start();
  assert.equal(await bench.summary(await bench.publish()), "suppressed no_subscription");
});

Deno.test("the token that caused a notification does not receive it", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const id = await bench.publish({ sourceToken: "a" });
  assert.equal(await bench.summary(id), "suppressed apn=source");
  assert.equal(bench.apn.arrivals.length, 0);
});

Deno.test("a target that is disabled, or whose client is not configured, receives nothing", async () => {
  const properties = "com.openexchange.pns.transport.apn.ios.enabled=true\n" +
    "com.openexchange.pns.delayDuration=0\n";
  await using bench = await new PipelineBench(undefined, undefined, properties).start();
  bench.subscribe("gcm", "b");
  bench.subscribe("apn", "a", "another app");
  const id = await bench.publish();
  assert.equal(await bench.summary(id), "suppressed apn=unserved gcm=disabled");
});

Deno.test("a failed attempt is retried at that address only, with the same id", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "500 x2");
  bench.subscribe("gcm", "b");
  const id = await bench.publish();
  assert.equal(await bench.summary(id), "in_flight apn=retrying gcm=sent");
  await bench.pass(10_000);
  assert.equal(await bench.summary(id), "delivered apn=sent gcm=sent");
  assert.deepEqual(bench.apn.arrivals.map((one) => one.id), [id, id, id]);
  assert.equal(bench.gcm.arrivals.length, 1);
  const { targets } = await bench.pipeline.find(id) as LedgerRecord;
  const { attempts, earlier = [] } = targets.find(({ transport }) => transport === "apn")!;
  assert.equal(attempts, 3);
  assert.equal(earlier.length, 2);
  assert.ok(earlier.every(({ reason }) => reason !== ""));
  assert.ok(earlier[0]!.at < earlier[1]!.at);
});

Deno.test("a retry that ends while another target still hangs is not overwritten", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "500 x1");
  bench.subscribe("gcm", "hang");
  const id = await bench.publish({ ttl: 5 });
  await bench.pass(9_000);
  assert.equal(await bench.summary(id), "in_flight");
  await bench.pass(2_000);
  assert.equal(await bench.summary(id), "delivered apn=sent gcm=expired");
});

Deno.test("a provider that hangs does not delay the others", async () => {
  await using bench = await new PipelineBench().start();
  for (let i = 0; i < 30; i++) bench.subscribe("gcm", `hang ${i}`);
  bench.subscribe("apn", "a");
  for (let i = 0; i < 20; i++) await bench.publish({ data: JSON.stringify({ i }) });
  assert.equal(bench.apn.arrivals.length, 20, "all, without any time passing");
});

Deno.test("a dead token is removed, and the publisher receives a signed webhook", async () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const properties = "com.openexchange.pns.transport.apn.ios.enabled=true\n" +
    "com.openexchange.pns.delayDuration=0\n" +
    `io.carillon.feedback.url=https://publisher.example/hook\nio.carillon.feedback.secret=${secret}\n`;
  await using bench = await new PipelineBench(undefined, undefined, properties).start();
  bench.subscribe("apn", "gone");
  assert.equal(await bench.summary(await bench.publish()), "dead apn=gone");
  assert.equal(bench.targets.length, 1, "not before the invalidation guard has decided");
  await bench.pass(11_000);
  assert.equal(bench.targets.length, 0);
  const [{ headers, body }] = bench.feedback as [{ headers: Headers; body: string }];
  assert.equal(JSON.parse(body).type, "subscription.gone");
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(signed).digest("base64");
  assert.equal(headers.get("webhook-signature"), `v1,${expected}`);
});

Deno.test("a spike of dead answers removes no token", async () => {
  await using bench = await new PipelineBench().start();
  for (let i = 0; i < 40; i++) bench.subscribe("apn", `gone ${i}`);
  await bench.publish();
  await bench.pass(11_000);
  assert.equal(bench.targets.length, 40);
});

Deno.test("the token that a provider asks for is stored", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("gcm", "moved");
  await bench.publish();
  assert.deepEqual(bench.targets.map(({ token }) => token), ["new home"]);
});

Deno.test("a rejected message becomes a dead letter, which can be replayed", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "rejected");
  const id = await bench.publish();
  assert.equal(await bench.summary(id), "dead apn=rejected");
  const { letters } = await bench.pipeline.letters.list({}, { limit: 10 });
  assert.deepEqual(letters.map(({ notification }) => notification.id), [id]);
  bench.targets = bench.targets.map((target) => ({ ...target, token: "fine now" }));
  const letter = await bench.pipeline.letters.get(letters[0]!.id);
  assert.equal(await bench.pipeline.replay(letter!), true);
  await bench.pass(1000);
  assert.equal(await bench.summary(id), "delivered apn=sent");
  assert.equal((await bench.pipeline.letters.list({}, { limit: 10 })).letters.length, 0);
  assert.equal(await bench.pipeline.replay(letter!), false, "a second time");
});

Deno.test("a message that fails too often becomes a dead letter", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "500 x99");
  const id = await bench.publish();
  await bench.pass(3_600_000);
  assert.equal(await bench.summary(id), "dead apn=dead");
  assert.equal(bench.apn.arrivals.length, bench.settings().delivery.maxAttempts);
});

Deno.test("a notification past its ttl is not sent any more", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "500 x5");
  const id = await bench.publish({ ttl: 1 });
  await bench.pass(5_000);
  assert.equal(await bench.summary(id), "expired apn=expired");
});

Deno.test("a retry checks the subscription: an unsubscribed address receives nothing", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "500 x1");
  const id = await bench.publish();
  bench.targets = [];
  await bench.pass(5_000);
  assert.equal(bench.apn.arrivals.length, 1);
  assert.equal(await bench.summary(id), "dead apn=gone");
});

Deno.test("a provider that is down for a while loses nothing", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  bench.apn.down = { kind: "retry", reason: "no connection" };
  const ids = [];
  for (let i = 0; i < 50; i++) ids.push(await bench.publish({ data: JSON.stringify({ i }) }));
  await bench.pass(60_000);
  const triedWhileDown = bench.apn.arrivals.length;
  // Five failures open the breaker; then one probes after each wait, which doubles.
  assert.ok(triedWhileDown <= 12, `the breaker limited the attempts: ${triedWhileDown} attempts`);
  bench.apn.down = undefined;
  await bench.pass(900_000);
  for (const id of ids) assert.equal(await bench.summary(id), "delivered apn=sent");
});

Deno.test("messages of a client with invalid options wait until the options are fixed", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  bench.apn.faulty = ["app"];
  const id = await bench.publish();
  assert.equal(await bench.summary(id), "in_flight apn=retrying");
  bench.apn.faulty = [];
  bench.pipeline.queues.reset("apn");
  await bench.pass(300_000);
  assert.equal(await bench.summary(id), "delivered apn=sent");
});

Deno.test("a crash in the middle loses nothing, and repeats carry the same id", async () => {
  const first = await new PipelineBench().start();
  first.subscribe("apn", "hang");
  first.subscribe("gcm", "500 x1");
  const id = await first.publish();
  first.kill();
  await using second = await new PipelineBench(first.clock, first.store).start();
  second.targets = first.targets.map((one) => ({ ...one, token: "fine" }));
  await second.pass(30_000);
  assert.equal(await second.summary(id), "delivered apn=sent gcm=sent");
  assert.ok(second.apn.arrivals.every((one) => one.id === id));
});

Deno.test("the same idempotency key publishes once, and with another body not at all", async () => {
  await using bench = await new PipelineBench().start();
  const drafts = [{ context: "1", user: "3", topic: "ox:mail:new", data: "" }];
  const publish = (data: number) =>
    bench.pipeline.publish(PUBLISHER, {
      drafts: drafts.map((draft) => ({ ...draft, data: JSON.stringify({ n: data }) })),
      idempotencyKey: "k",
    });
  const first = await publish(1);
  const repeated = await publish(1);
  assert.deepEqual([repeated.ids, repeated.replayed, first.replayed], [first.ids, true, false]);
  await assert.rejects(
    publish(2),
    (error) => error instanceof ServiceError && error.code === "idempotency_mismatch",
  );
  await bench.pass(25 * 3_600_000);
  assert.equal((await publish(2)).replayed, false, "a day later it is forgotten");
});

Deno.test("a publisher of one context cannot publish in another, and nothing of its batch goes", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const principal = { ...PUBLISHER, contexts: new Set(["1"]) };
  const draft = { user: "3", topic: "ox:mail:new", data: "{}" };
  await assert.rejects(
    bench.pipeline.publish(principal, {
      drafts: [{ ...draft, context: "1" }, { ...draft, context: "2" }],
    }),
    (error) =>
      error instanceof ServiceError && error.code === "forbidden" &&
      error.faults[0]?.path === "notifications[1].context",
  );
  await bench.pass(1000);
  assert.equal(bench.apn.arrivals.length, 0);
});

/** Accepted plus recovered minus settled, by the metrics. */
async function unsettled(bench: PipelineBench, accepted: number): Promise<number> {
  const text = await bench.metrics.expose();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, "gm"))]
      .reduce((total, [, count]) => total + Number(count), 0);
  return accepted + sum("carillon_notifications_recovered_total") -
    sum("carillon_notifications_settled_total");
}

Deno.test("the metrics balance: accepted equals settled plus in flight", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "500 x1");
  bench.subscribe("gcm", "rejected");
  await bench.publish({}, 10);
  await bench.publish({ user: "nobody" }, 5);
  assert.equal(bench.pipeline.inFlight(), 10);
  assert.equal(await unsettled(bench, 15), 10);
  await bench.pass(60_000);
  assert.equal(bench.pipeline.inFlight(), 0);
  assert.equal(await unsettled(bench, 15), 0);
  const { letters } = await bench.pipeline.letters.list({}, { limit: 1 });
  await bench.pipeline.replay((await bench.pipeline.letters.get(letters[0]!.id))!);
  assert.equal(bench.pipeline.inFlight(), await unsettled(bench, 15));
  await bench.pass(60_000);
  assert.deepEqual([bench.pipeline.inFlight(), await unsettled(bench, 15)], [0, 0]);
});

Deno.test("the metrics balance with merged notifications", async () => {
  const properties = "com.openexchange.pns.transport.apn.ios.enabled=true\n";
  await using bench = await new PipelineBench(undefined, undefined, properties).start();
  bench.subscribe("apn", "a");
  for (let n = 0; n < 3; n++) {
    await bench.publish({ data: JSON.stringify({ folder: "a", id: "1", unread: n }) });
  }
  assert.equal(bench.pipeline.inFlight(), 3);
  await bench.pass(2_000);
  assert.deepEqual([bench.pipeline.inFlight(), await unsettled(bench, 3)], [0, 0]);
  assert.equal(bench.apn.arrivals.length, 1);
});

Deno.test("the metrics balance after a crash during retries", async () => {
  const first = await new PipelineBench().start();
  first.subscribe("apn", "500 x3");
  await first.publish({}, 4);
  await first.pass(100);
  first.kill();
  const second = new PipelineBench(first.clock, first.store);
  second.targets = first.targets;
  await second.start();
  await using bench = second;
  assert.equal(bench.pipeline.inFlight(), 4);
  await bench.pass(120_000);
  assert.equal(bench.pipeline.inFlight(), 0);
  assert.equal(await unsettled(bench, 4), 0, "the caller of start() counts the recovered ones");
});
