import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { type LoggedEvent, offsetAt } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import { EventRecords, LocalHub } from "../../events/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import {
  eventFor,
  eventHubContract,
  FakeRealtime,
  SEVEN,
  socketFor,
} from "../contract/events_contract.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { kvHubs, LIMITS, memoryHubs } from "./_hubs.ts";

eventHubContract("hub in memory", () => memoryHubs(), { survives: false });
eventHubContract("hub over KV", () => kvHubs(), { survives: true });

async function inMemory(limits = LIMITS) {
  const clock = new FakeClock();
  const realtime = new FakeRealtime();
  const hub = new LocalHub({ clock, log: silentLog, settings: () => limits });
  realtime.hub = hub;
  await hub.start(realtime);
  return { clock, realtime, hub };
}

/** A hub whose store fails on request. */
function overStore() {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const state = { isBroken: false, refused: 0 };
  const records = new EventRecords({
    store,
    async commit(changes) {
      if (state.isBroken) {
        state.refused++;
        throw new ServiceError("store_unavailable", "Cannot write: the disk is full");
      }
      await store.commit(changes);
    },
  });
  async function open() {
    const realtime = new FakeRealtime();
    const hub = new LocalHub({ clock, log: silentLog, settings: () => LIMITS, records });
    realtime.hub = hub;
    await hub.start(realtime);
    return { realtime, hub };
  }
  return { clock, state, open, records, store };
}

Deno.test("offsets rise where the wall clock is set back", async () => {
  const { clock, realtime, hub } = await inMemory();
  await using _ = hub;
  await realtime.connect(socketFor(SEVEN));
  await realtime.publish(eventFor(SEVEN));
  clock.jump(-3_600_000);
  await realtime.publish(eventFor(SEVEN));
  const [before, after] = realtime.delivered;
  assert.equal(after!.offset, before!.offset + 1);
  const { last } = await realtime.connect(socketFor({ context: "1", user: "new" }));
  assert.ok(last >= after!.offset, "also for unknown users");
});

Deno.test("an offset contains the time of the publish", async () => {
  const { clock, realtime, hub } = await inMemory();
  await using _ = hub;
  await realtime.connect(socketFor(SEVEN));
  await clock.advance(1000);
  await realtime.publish(eventFor(SEVEN));
  assert.equal(realtime.delivered[0]!.offset, offsetAt(clock.now()));
});

Deno.test("beyond the byte limit, the oldest events of all users are forgotten first", async () => {
  const { realtime, hub } = await inMemory({ ...LIMITS, maxBytes: 10_000 });
  await using _ = hub;
  const users = ["a", "b", "c"].map((user) => ({ context: "1", user }));
  const starts: number[] = [];
  for (const user of users) starts.push((await realtime.connect(socketFor(user))).last);
  const args = `"x","${"y".repeat(4000)}"`;
  for (const user of users) await realtime.publish(eventFor(user, { args }));
  const missed = users.map((user, at) => hub.readMissed(user, starts[at]!));
  assert.deepEqual(await Promise.all(missed).then((all) => all.map(({ complete }) => complete)), [
    false,
    true,
    true,
  ]);
  assert.ok(hub.stats().bytes <= 10_000);
  assert.equal(hub.stats().events, 2);
});

Deno.test("users who are connected and quiet take no memory and no timer", async () => {
  const { clock, realtime, hub } = await inMemory();
  await using _ = hub;
  for (let user = 0; user < 100; user++) {
    await realtime.connect(socketFor({ context: "1", user: `${user}` }));
  }
  assert.deepEqual(hub.stats(), { users: 0, events: 0, bytes: 0 });
  assert.equal(clock.timers, 0);
  await realtime.publish(eventFor(SEVEN));
  assert.deepEqual([hub.stats().users, clock.timers], [1, 1]);
  await clock.advance(LIMITS.windowMs * 1.3);
  assert.deepEqual(hub.stats(), { users: 0, events: 0, bytes: 0 });
  assert.equal(clock.timers, 0);
});

Deno.test("a log is kept while a socket has not received all of it", async () => {
  const { clock, realtime, hub } = await inMemory();
  await using _ = hub;
  const { last } = await realtime.connect(socketFor(SEVEN));
  realtime.deliver = () => {};
  await realtime.publish(eventFor(SEVEN));
  await clock.advance(LIMITS.windowMs * 3);
  assert.deepEqual(await hub.readMissed(SEVEN, last), { events: [], complete: false });
});

Deno.test("only a few closed connections of one user are remembered", async () => {
  const { realtime, hub } = await inMemory();
  await using _ = hub;
  for (let n = 0; n < 100; n++) {
    const socket = socketFor(SEVEN);
    await realtime.connect(socket);
    realtime.disconnect(socket, { returns: true });
  }
  assert.equal((await realtime.present(SEVEN)).length, 32);
});

Deno.test("an event that cannot be stored is not delivered, and is once it can be stored", async () => {
  const { open, state } = overStore();
  const { realtime, hub } = await open();
  await using _ = hub;
  const { last } = await realtime.connect(socketFor(SEVEN));
  const [first, second] = [eventFor(SEVEN), eventFor(SEVEN)];
  state.isBroken = true;
  await assert.rejects(
    hub.publish([first], { isRepeat: false }),
    (error) => error instanceof ServiceError && error.code === "store_unavailable",
  );
  assert.equal(realtime.delivered.length, 0);
  state.isBroken = false;
  await realtime.publish(second);
  await hub.publish([first], { isRepeat: true });
  assert.deepEqual(realtime.delivered.map(({ id }) => id), [second.id, first.id]);
  assert.deepEqual(realtime.delivered.map(({ previous }) => previous), [
    last,
    realtime.delivered[0]!.offset,
  ]);
  assert.deepEqual(await hub.readMissed(SEVEN, last), {
    events: realtime.delivered,
    complete: true,
  });
});

Deno.test("presence is written once the store can be written again", async () => {
  const { open, state, clock, records } = overStore();
  const { realtime, hub } = await open();
  await using _ = hub;
  state.isBroken = true;
  await realtime.connect(socketFor(SEVEN));
  await clock.advance(2500);
  assert.equal(state.refused, 3, "at once, and then every second");
  state.isBroken = false;
  await clock.advance(1100);
  const users = await Array.fromAsync(records.readUsers());
  assert.deepEqual(users.map(({ user }) => user), ["7"]);
});

Deno.test("an event larger than a value of the store is kept, in every script", async () => {
  const under = await kvHubs();
  try {
    const realtime = new FakeRealtime();
    realtime.hub = await under.open(realtime);
    const { last } = await realtime.connect(socketFor(SEVEN));
    const texts = ["x".repeat(70_000), "漢".repeat(40_000), `a${"🔔".repeat(20_000)}`];
    await realtime.publish(...texts.map((text) => eventFor(SEVEN, { args: `"x","${text}"` })));
    await under.crash(realtime.hub);
    const next = new FakeRealtime();
    next.hub = await under.open(next);
    const { events, complete } = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual(events, realtime.delivered);
    assert.ok(complete);
  } finally {
    await under.dispose();
  }
});

Deno.test("arguments with line breaks between their tokens are read back as the same JSON", async () => {
  const under = await kvHubs();
  try {
    const realtime = new FakeRealtime();
    realtime.hub = await under.open(realtime);
    const { last } = await realtime.connect(socketFor(SEVEN));
    await realtime.publish(eventFor(SEVEN, { args: '"x",\n{\n"a":\n1}' }), eventFor(SEVEN));
    await under.crash(realtime.hub);
    const next = new FakeRealtime();
    next.hub = await under.open(next);
    const { events } = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual(events.map(({ args }) => JSON.parse(`[${args}]`)[0]), ["x", "ox:mail:new"]);
    assert.deepEqual(JSON.parse(`[${events[0]!.args}]`), ["x", { a: 1 }]);
  } finally {
    await under.dispose();
  }
});

Deno.test("a batch larger than one commit is delivered completely and in order", async () => {
  const under = await kvHubs();
  try {
    const realtime = new FakeRealtime();
    realtime.hub = await under.open(realtime);
    const users = Array.from({ length: 300 }, (_, n) => ({ context: "1", user: `${n}` }));
    for (const user of users) await realtime.connect(socketFor(user));
    const args = `"x","${"y".repeat(4000)}"`;
    const events = users.map((user) => eventFor(user, { args }));
    await realtime.publish(...events);
    assert.deepEqual(realtime.delivered.map(({ id }) => id), events.map(({ id }) => id));
  } finally {
    await under.dispose();
  }
});

Deno.test("more past connections than one commit takes are stored", async () => {
  const { records } = overStore();
  const hashes = Array.from({ length: 150_000 }, (_, n) => n + 1);
  await records.saveConnections(hashes, 1_000_000);
  const read = (await Array.fromAsync(records.readConnections())).flat();
  assert.deepEqual(read.sort((a, b) => a - b), hashes);
});

Deno.test("users are not present after a stop longer than the window, and their records are removed", async () => {
  const { open, clock, records } = overStore();
  const first = await open();
  const { last } = await first.realtime.connect(socketFor(SEVEN));
  await first.realtime.publish(eventFor(SEVEN));
  await first.hub[Symbol.asyncDispose]();
  await clock.advance(LIMITS.windowMs * 1.1);
  const second = await open();
  await using _ = second.hub;
  await settle();
  assert.deepEqual(await second.realtime.present(SEVEN), []);
  assert.deepEqual(await Array.fromAsync(records.readUsers()), []);
  assert.equal((await second.hub.readMissed(SEVEN, last)).complete, false);
});

Deno.test("after a gap in the stored events, the log starts behind the gap", async () => {
  const { open, store } = overStore();
  const first = await open();
  const { last } = await first.realtime.connect(socketFor(SEVEN));
  for (let n = 0; n < 4; n++) await first.realtime.publish(eventFor(SEVEN));
  const delivered: readonly LoggedEvent[] = first.realtime.delivered;
  await first.hub[Symbol.asyncDispose]();
  const keys = [];
  for await (const { key } of store.list({ prefix: ["events"] })) keys.push(key);
  await store.commit({ deletes: [keys[1]!] });
  const second = await open();
  await using _ = second.hub;
  assert.deepEqual(await second.hub.readMissed(SEVEN, last), {
    events: delivered.slice(2),
    complete: false,
  });
  assert.ok((await second.hub.readMissed(SEVEN, delivered[1]!.offset)).complete);
});

Deno.test("single events become few values of the store, and a restart reads all of them in order", async () => {
  const { open, store, state } = overStore();
  const users = Array.from({ length: 30 }, (_, n) => ({ context: "1", user: `${n}` }));
  const first = await open();
  const ends = [];
  for (const user of users) ends.push((await first.realtime.connect(socketFor(user))).last);
  for (let n = 0; n < 400; n++) {
    const user = users[n % users.length]!;
    state.isBroken = n === 130;
    if (state.isBroken) {
      await assert.rejects(first.realtime.publish(eventFor({ context: "2", user: "7" })));
    }
    state.isBroken = false;
    // Between them are events that have a value of their own size.
    const args = n % 150 === 149 ? `"x","${"y".repeat(5_000)}"` : undefined;
    await first.realtime.publish(eventFor(user, args === undefined ? {} : { args }));
  }
  await first.hub[Symbol.asyncDispose]();
  const values = await Array.fromAsync(store.list({ prefix: ["events"] }));
  // One for 64 of them, and those at the end of each run.
  assert.ok(values.length < 100, `${values.length} values`);
  const second = await open();
  await using _ = second.hub;
  for (const [at, user] of users.entries()) {
    const { events } = await second.hub.readMissed(user, ends[at]!);
    const sent = first.realtime.delivered.filter((event) => event.user === user.user);
    // What a log has at most is the newest.
    assert.deepEqual(events, sent.slice(-events.length));
    assert.equal(events.length, Math.min(sent.length, LIMITS.maxEventsPerUser));
  }
});
