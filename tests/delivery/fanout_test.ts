/** Notifications to many users across crashes and growing audiences. */

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Commit } from "../../core/store.ts";
import type { ReadAudience } from "../../delivery/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";

/** Pages have a quarter of the buffer. */
const PAGES_OF_200 = `com.openexchange.pns.transport.apn.ios.enabled=true
com.openexchange.pns.delayDuration=0
io.carillon.buffer.maxNotifications=800
`;

/** A bench on which every user named has a phone, and an audience that is read from a list. */
async function benchOf(users: string[], bench = new PipelineBench()): Promise<PipelineBench> {
  bench.readAudience = readFrom(users);
  bench.targets = users.map((user) => ({
    ...{ context: "1", user, client: "app", transport: "apn", token: user },
    ...{ subscriptionId: user, refreshedAt: 0 },
  }));
  return await bench.start();
}

function readFrom(users: readonly string[]): ReadAudience {
  return (_audience, { after = "", limit }) => {
    const page = users.toSorted().filter((user) => user > after).slice(0, limit);
    return Promise.resolve({
      users: page,
      ...(page.length === limit && { next: page.at(-1)! }),
    });
  };
}

async function publish(bench: PipelineBench): Promise<string> {
  const draft = { context: "1", user: "", topic: "x", data: "{}" };
  const drafts = [{ ...draft, audience: { kind: "everyone" } as const }];
  const { ids } = await bench.pipeline.publish(PUBLISHER, { drafts, alone: true });
  await bench.pass(0);
  return ids[0]!;
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `user ${String(n).padStart(5, "0")}`);
}

Deno.test("a crash at any commit of a fan-out reaches every user, and each under one id", async () => {
  const users = names(450);
  for (let allowed = 0; allowed < 14; allowed++) {
    const clock = new FakeClock();
    const store = new MemoryStore({ clock });
    const first = await benchOf(users, new PipelineBench(clock, store, PAGES_OF_200));
    const commit = store.commit.bind(store);
    let left = Infinity;
    store.commit = (changes: Commit) => {
      if (left-- > 0) return commit(changes);
      first.kill();
      return new Promise(() => {});
    };
    const drafts = [{
      ...{ context: "1", user: "", topic: "x", data: "{}" },
      audience: { kind: "everyone" } as const,
    }];
    const { ids: [id] } = await first.pipeline.publish(PUBLISHER, { drafts, alone: true });
    left = allowed;
    await first.pass(1_000);
    store.commit = commit;
    first.kill();
    await using second = await benchOf(users, new PipelineBench(clock, store, PAGES_OF_200));
    await second.pass(20_000);
    const record = await second.pipeline.find(id!) as LedgerRecord;
    assert.equal(record.users?.count, users.length, `after ${allowed} commits`);
    const sent = Map.groupBy(
      [...first.apn.arrivals, ...second.apn.arrivals],
      ({ token }) => token,
    );
    assert.equal(sent.size, users.length, `after ${allowed} commits`);
    for (const [token, arrivals] of sent) {
      assert.equal(new Set(arrivals.map((one) => one.id)).size, 1, `${token} after ${allowed}`);
    }
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
