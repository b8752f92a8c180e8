/** Notifications to many users at local times, and cancelled ones, across crashes and odd clocks. */

import assert from "node:assert/strict";
import { Attributes } from "../../cascade/mod.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { NotificationDraft } from "../../delivery/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";
import { assertEachOnce, dieAfter, giveAudience, names, readFrom } from "./_audience.ts";

/** Pages have a quarter of the buffer. */
const PROPERTIES = `com.openexchange.pns.transport.apn.ios.enabled=true
com.openexchange.pns.delayDuration=0
io.carillon.buffer.maxNotifications=800
io.carillon.timeZone=Europe/Berlin
`;
const HOUR_MS = 3_600_000;
/** Noon in Greenwich on the day before daylight saving begins in Berlin. */
const SATURDAY = Date.parse("2026-03-28T12:00:00Z");
const EVERYONE = { audience: { kind: "everyone" } as const };

/** Users in Berlin, but every third one in Tokyo. */
async function benchOf(
  users: readonly string[],
  { clock = new FakeClock(), store = new MemoryStore({ clock }), properties = PROPERTIES }: {
    readonly clock?: FakeClock;
    readonly store?: MemoryStore;
    readonly properties?: string;
  } = {},
): Promise<PipelineBench> {
  const bench = new PipelineBench(clock, store, properties);
  giveAudience(bench, users);
  const attributes = new Attributes({ store });
  for (const [n, user] of users.entries()) {
    if (n % 3 !== 0) continue;
    const zone = { attributes: { "io.carillon.timeZone": "Asia/Tokyo" } };
    await attributes.users.replace({ context: "1", user }, zone);
  }
  return await bench.start();
}

async function publish(bench: PipelineBench, fields: Partial<NotificationDraft>): Promise<string> {
  const drafts = [{ context: "1", user: "", topic: "x", data: "{}", ...EVERYONE, ...fields }];
  const { ids } = await bench.pipeline.publish(PUBLISHER, { drafts, alone: true });
  await bench.pass(0);
  return ids[0]!;
}

async function found(bench: PipelineBench, id: string): Promise<LedgerRecord> {
  return await bench.pipeline.find(id) as LedgerRecord;
}

Deno.test("each user is notified when their own clock shows the time, across daylight saving", async () => {
  const clock = new FakeClock();
  clock.jump(SATURDAY - clock.now());
  await using bench = await benchOf(names(450), { clock });
  // 02:30 does not exist on Sunday in Berlin, and is 03:30 there, which is 01:30 in Greenwich.
  const id = await publish(bench, { deliverAt: { local: "02:30" }, ttl: 60 });
  await bench.pass(1_000);
  const before = await found(bench, id);
  assert.deepEqual([before.state, before.users?.count], ["scheduled", 450]);
  assert.equal(new Date(before.deliverAt!).toISOString(), "2026-03-28T17:30:00.000Z");
  assert.equal(bench.buffer.depth().inFlight, 0);
  await bench.pass(5.5 * HOUR_MS - 2_000);
  assert.equal(bench.apn.arrivals.length, 0);
  await bench.pass(1_000);
  await bench.pass(1_000);
  assert.equal(bench.apn.arrivals.length, 150);
  assert.equal((await found(bench, id)).state, "in_flight");
  await bench.pass(8 * HOUR_MS - 2_000);
  assert.equal(bench.apn.arrivals.length, 150);
  await bench.pass(1_000);
  await bench.pass(1_000);
  await bench.pass(1_000);
  const after = await found(bench, id);
  assert.deepEqual([after.state, after.users?.states], ["delivered", { delivered: 450 }]);
  assert.equal(new Set(bench.apn.arrivals.map(({ token }) => token)).size, 450);
});

Deno.test("a crash at any commit reaches every user at their time, and each under one id", async () => {
  const users = names(450);
  for (let allowed = 0; allowed < 24; allowed++) {
    const clock = new FakeClock();
    clock.jump(SATURDAY - clock.now());
    const store = new MemoryStore({ clock });
    const first = await benchOf(users, { clock, store });
    const drafts = [{
      ...{ context: "1", user: "", topic: "x", data: "{}", ...EVERYONE },
      deliverAt: { local: "08:00" },
    }];
    const { ids: [id] } = await first.pipeline.publish(PUBLISHER, { drafts, alone: true });
    const revive = dieAfter(allowed, { store, bench: first });
    await first.pass(1_000);
    await first.pass(12 * HOUR_MS);
    revive();
    first.kill();
    await using second = await benchOf(users, { clock, store });
    await second.pass(20_000);
    await second.pass(20 * HOUR_MS);
    await second.pass(20_000);
    const record = await found(second, id!);
    assert.equal(record.users?.count, users.length, `after ${allowed} commits`);
    assertEachOnce([first, second], { users, after: `after ${allowed} commits` });
  }
});

Deno.test("a clock that is set back lets no user be notified early, one set forward delays nobody", async () => {
  const clock = new FakeClock();
  clock.jump(SATURDAY - clock.now());
  await using bench = await benchOf(names(30), { clock });
  const id = await publish(bench, { deliverAt: { local: "2026-03-28T15:00" } });
  await bench.pass(1_000);
  // It is over in Tokyo, and two hours ahead in Berlin.
  assert.equal(bench.apn.arrivals.length, 10);
  bench.clock.jump(-HOUR_MS);
  await bench.pass(2 * HOUR_MS);
  assert.equal(bench.apn.arrivals.length, 10);
  bench.clock.jump(HOUR_MS);
  await bench.pass(30_000);
  await bench.pass(2_000);
  assert.deepEqual((await found(bench, id)).users?.states, { delivered: 30 });
});

Deno.test("a user that joins while local times are found out is included behind, and not before", async () => {
  const users = names(450);
  await using bench = await benchOf(users);
  let pages = 0;
  bench.readAudience = (audience, page) => {
    if (++pages === 2) users.push("a user", "user zzz");
    return readFrom(users)(audience, page);
  };
  const id = await publish(bench, { deliverAt: { local: "08:00" } });
  await bench.pass(5_000);
  assert.equal((await found(bench, id)).users?.count, 451);
});

Deno.test("local times wait in the store, and no more than half of the buffer is taken by them", async () => {
  await using bench = await benchOf(names(2_000));
  const id = await publish(bench, { deliverAt: { local: "08:00", timeZone: undefined } });
  await bench.pass(5_000);
  assert.equal(bench.buffer.depth().inFlight, 0);
  let most = 0;
  for (let tick = 0; tick < 30 * 60; tick++) {
    await bench.pass(60_000);
    most = Math.max(most, bench.buffer.depth().inFlight);
  }
  for (let second = 0; second < 20; second++) await bench.pass(1_000);
  assert.ok(most <= 400, `${most} in the buffer`);
  assert.deepEqual((await found(bench, id)).users?.states, { delivered: 2_000 });
  assert.equal(bench.pipeline.inFlight(), 0);
});

Deno.test("a crash at any commit of a cancellation leaves every user either notified or cancelled", async () => {
  const users = names(450);
  const properties = PROPERTIES.replace("delayDuration=0", "delayDuration=5000");
  for (let allowed = 0; allowed < 12; allowed++) {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const first = await benchOf(users, { clock, store, properties });
    const id = await publish(first, {});
    await first.pass(300);
    const revive = dieAfter(allowed, { store, bench: first });
    void first.pipeline.takeBack.cancel(await found(first, id));
    await first.pass(2_000);
    revive();
    first.kill();
    await using second = await benchOf(users, { clock, store, properties });
    for (let seconds = 0; seconds < 30; seconds++) await second.pass(1_000);
    const children = [];
    for (let page = 0; page < 4; page++) {
      const { ids = [] } = await second.pipeline.fanouts.page(id, page) ?? {};
      for (const child of ids) children.push(await second.pipeline.find(child) as LedgerRecord);
    }
    const sent = new Set([...first.apn.arrivals, ...second.apn.arrivals].map(({ token }) => token));
    for (const { user, state } of children) {
      assert.equal(sent.has(user), state === "delivered", `${user} ${state} after ${allowed}`);
    }
    assert.equal(children.length, (await found(second, id)).users?.count);
    assert.equal(sent.size, children.filter(({ state }) => state === "delivered").length);
  }
});
