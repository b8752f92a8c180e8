/** Notifications to many users across crashes and growing audiences. */

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";
import { sharedView } from "../support/shared_store.ts";
import {
  assertEachOnce,
  dieAfter,
  giveAudience,
  names,
  pauseAfter,
  readFrom,
} from "./_audience.ts";

/** Pages have a quarter of the buffer. */
const PAGES_OF_200 = `com.openexchange.pns.transport.apn.ios.enabled=true
com.openexchange.pns.delayDuration=0
io.carillon.buffer.maxNotifications=800
`;

/** A bench on which every user named has a phone, and an audience that is read from a list. */
async function benchOf(users: string[], bench = new PipelineBench()): Promise<PipelineBench> {
  giveAudience(bench, users);
  return await bench.start();
}

async function publish(bench: PipelineBench): Promise<string> {
  const draft = { context: "1", user: "", topic: "x", data: "{}" };
  const drafts = [{ ...draft, audience: { kind: "everyone" } as const }];
  const { ids } = await bench.pipeline.publish(PUBLISHER, { drafts, alone: true });
  await bench.pass(0);
  return ids[0]!;
}

/** A process ends at each of the first commits, and another one goes on with what it has left. */
async function crashAtEachCommit(
  openProcess: (store: Store) => Store,
  { commits, takeOverMs }: { readonly commits: number; readonly takeOverMs: number },
): Promise<void> {
  const users = names(450);
  // A group is read several pages at once.
  const audiences = [{ kind: "everyone" }, { kind: "group", group: "g" }] as const;
  for (let at = 0; at < audiences.length * commits; at++) {
    const [audience, allowed] = [audiences[at % 2]!, Math.floor(at / 2)];
    const clock = new FakeClock();
    const shared = new MemoryStore({ clock });
    const store = openProcess(shared);
    const first = await benchOf(users, new PipelineBench(clock, store, PAGES_OF_200));
    const drafts = [{ context: "1", user: "", topic: "x", data: "{}", audience }];
    const { ids: [id] } = await first.pipeline.publish(PUBLISHER, { drafts, alone: true });
    const revive = dieAfter(allowed, { store, bench: first });
    await first.pass(1_000);
    revive();
    first.kill();
    const bench = new PipelineBench(clock, openProcess(shared), PAGES_OF_200);
    await using second = await benchOf(users, bench);
    for (let passed = 0; passed < takeOverMs; passed += 5_000) await second.pass(5_000);
    const record = await second.pipeline.find(id!) as LedgerRecord;
    assert.equal(record.users?.count, users.length, `after ${allowed} commits`);
    assertEachOnce([first, second], { users, after: `after ${allowed} commits` });
  }
}

Deno.test("a crash at any commit of a fan-out reaches every user, and each under one id", async () => {
  await crashAtEachCommit((store) => store, { commits: 14, takeOverMs: 20_000 });
});

Deno.test("where processes share a store, another one goes on after a crash at any commit", async () => {
  // The lease of a job is half a minute.
  await crashAtEachCommit(sharedView, { commits: 24, takeOverMs: 40_000 });
});

Deno.test("a process that pauses for longer than its lease, and goes on beside another, repeats nobody", async () => {
  const users = names(450);
  for (let allowed = 0; allowed < 20; allowed++) {
    const clock = new FakeClock();
    const shared = new MemoryStore({ clock });
    const store = sharedView(shared);
    await using first = await benchOf(users, new PipelineBench(clock, store, PAGES_OF_200));
    const draft = { context: "1", user: "", topic: "x", data: "{}" };
    const drafts = [{ ...draft, audience: { kind: "group", group: "g" } as const }];
    const { ids: [id] } = await first.pipeline.publish(PUBLISHER, { drafts, alone: true });
    const resume = pauseAfter(allowed, store);
    await first.pass(1_000);
    const bench = new PipelineBench(clock, sharedView(shared), PAGES_OF_200);
    await using second = await benchOf(users, bench);
    // The other one takes over, and half of the time the first one comes back amid that.
    for (let passed = 0; passed < 31_000 + allowed % 2 * 1_000; passed += 500) {
      await second.pass(500);
    }
    resume();
    for (let passed = 0; passed < 60_000; passed += 1_000) await second.pass(1_000);
    const record = await second.pipeline.find(id!) as LedgerRecord;
    assert.equal(record.users?.count, users.length, `after ${allowed} commits`);
    assertEachOnce([first, second], { users, after: `after ${allowed} commits` });
  }
});

Deno.test("a user that joins behind the page that is read is included, one before it is not", async () => {
  const users = names(450);
  const bench = new PipelineBench(undefined, undefined, PAGES_OF_200);
  await using _bench = await benchOf(users, bench);
  let pages = 0;
  bench.readAudience = (audience, page) => {
    if (++pages === 2) users.push("a user", "user zzz");
    return readFrom(users)(audience, page);
  };
  const id = await publish(bench);
  await bench.pass(5_000);
  const record = await bench.pipeline.find(id) as LedgerRecord;
  assert.deepEqual([record.state, record.users?.count], ["delivered", 451]);
});

Deno.test("three pages are read ahead of the one that is accepted, and no more", async () => {
  const users = names(2_000);
  await using bench = await benchOf(users, new PipelineBench(undefined, undefined, PAGES_OF_200));
  let reads = 0;
  bench.readAudience = (audience, page) => {
    reads++;
    return readFrom(users)(audience, page);
  };
  const resume = pauseAfter(1, bench.store); // the commit of the request
  await publish(bench);
  await bench.pass(5_000);
  assert.equal(reads, 1 + 3);
  resume();
  for (let second = 0; second < 10; second++) await bench.pass(1_000);
  assertEachOnce([bench], { users, after: "all pages" });
});

Deno.test("a fan-out waits while the buffer is half full, and others are accepted meanwhile", async () => {
  const properties = "com.openexchange.pns.transport.apn.ios.enabled=true\n" +
    "com.openexchange.pns.delayDuration=1000\nio.carillon.buffer.maxNotifications=1000\n";
  const users = names(2_000);
  await using bench = await benchOf(users, new PipelineBench(undefined, undefined, properties));
  const id = await publish(bench);
  let most = 0;
  for (let tick = 0; tick < 120; tick++) {
    most = Math.max(most, bench.buffer.depth().inFlight);
    await bench.pass(250);
  }
  assert.ok(most > 0 && most <= 500, `${most} in the buffer`);
  const record = await bench.pipeline.find(id) as LedgerRecord;
  assert.deepEqual([record.state, record.users?.count], ["delivered", 2_000]);
  assert.equal(bench.pipeline.inFlight(), 0);
});

Deno.test("large data and long names make pages small, and every user is reached once", async () => {
  const users = Array.from({ length: 300 }, (_, n) => `${"\u4e00".repeat(250)} ${n}`);
  await using bench = await benchOf(users);
  const data = JSON.stringify({ text: "x".repeat(40_000) });
  const draft = { context: "1", user: "", topic: "x", data };
  const requests = [
    { ...draft, audience: { kind: "everyone" } as const },
    { ...draft, users },
  ];
  for (const one of requests) {
    bench.apn.arrivals.length = 0;
    const { ids } = await bench.pipeline.publish(PUBLISHER, { drafts: [one], alone: true });
    for (let second = 0; second < 10; second++) await bench.pass(1_000);
    const record = await bench.pipeline.find(ids[0]!) as LedgerRecord;
    assert.deepEqual([record.state, record.users?.count], ["delivered", 300]);
    assert.equal(new Set(bench.apn.arrivals.map(({ token }) => token)).size, 300);
    assert.equal(bench.apn.arrivals.length, 300);
  }
});
