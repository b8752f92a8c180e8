import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { type LoggedEvent, offsetAt } from "../../core/events.ts";
import { silentLog } from "../../core/log.ts";
import { createLocalHub, EventRecords } from "../../events/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { Desk, eventFor, eventHubContract, seatFor, SEVEN } from "../contract/events_contract.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { kvHubs, LIMITS, memoryHubs } from "./_hubs.ts";

eventHubContract("hub in memory", () => memoryHubs(), { survives: false });
eventHubContract("hub over KV", () => kvHubs(), { survives: true });

async function inMemory(limits = LIMITS) {
  const clock = new FakeClock();
  const desk = new Desk();
  const hub = createLocalHub({ clock, log: silentLog, settings: () => limits });
  desk.hub = hub;
  await hub.start(desk);
  return { clock, desk, hub };
}

/** A hub whose store refuses writes when told to. */
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
    const desk = new Desk();
    const hub = createLocalHub({ clock, log: silentLog, settings: () => LIMITS, records });
    desk.hub = hub;
    await hub.start(desk);
    return { desk, hub };
  }
  return { clock, state, open, records, store };
}

Deno.test("offsets rise where the wall clock is set back", async () => {
  const { clock, desk, hub } = await inMemory();
  await using _ = hub;
  await desk.sit(seatFor(SEVEN));
  await desk.publish(eventFor(SEVEN));
  clock.jump(-3_600_000);
  await desk.publish(eventFor(SEVEN));
  const [before, after] = desk.delivered;
  assert.equal(after!.offset, before!.offset + 1);
  const { last } = await desk.sit(seatFor({ context: "1", user: "new" }));
  assert.ok(last >= after!.offset, "also for users of whom nothing is known");
});

Deno.test("an offset says when its event was published", async () => {
  const { clock, desk, hub } = await inMemory();
  await using _ = hub;
  await desk.sit(seatFor(SEVEN));
  await clock.advance(1000);
  await desk.publish(eventFor(SEVEN));
  assert.equal(desk.delivered[0]!.offset, offsetAt(clock.now()));
});

Deno.test("over all users the oldest events go first where their bytes are too many", async () => {
  const { desk, hub } = await inMemory({ ...LIMITS, maxBytes: 10_000 });
  await using _ = hub;
  const users = ["a", "b", "c"].map((user) => ({ context: "1", user }));
  const starts: number[] = [];
  for (const user of users) starts.push((await desk.sit(seatFor(user))).last);
  const args = `"x","${"y".repeat(4000)}"`;
  for (const user of users) await desk.publish(eventFor(user, { args }));
  const missed = users.map((user, at) => hub.readMissed(user, starts[at]!));
  assert.deepEqual(await Promise.all(missed).then((all) => all.map(({ complete }) => complete)), [
    false,
    true,
    true,
  ]);
  assert.ok(hub.stats().bytes <= 10_000);
  assert.equal(hub.stats().events, 2);
});

Deno.test("users who are connected and quiet cost nothing, and no timer runs for them", async () => {
  const { clock, desk, hub } = await inMemory();
  await using _ = hub;
  for (let user = 0; user < 100; user++) {
    await desk.sit(seatFor({ context: "1", user: `${user}` }));
  }
  assert.deepEqual(hub.stats(), { users: 0, events: 0, bytes: 0 });
  assert.equal(clock.timers, 0);
  await desk.publish(eventFor(SEVEN));
  assert.deepEqual([hub.stats().users, clock.timers], [1, 1]);
  await clock.advance(LIMITS.windowMs * 1.3);
  assert.deepEqual(hub.stats(), { users: 0, events: 0, bytes: 0 });
  assert.equal(clock.timers, 0);
});

Deno.test("a log is kept for a socket that has yet to be delivered of it", async () => {
  const { clock, desk, hub } = await inMemory();
  await using _ = hub;
  const { last } = await desk.sit(seatFor(SEVEN));
  desk.deliver = () => {};
  await desk.publish(eventFor(SEVEN));
  await clock.advance(LIMITS.windowMs * 3);
  assert.deepEqual(await hub.readMissed(SEVEN, last), { events: [], complete: false });
});

Deno.test("of the connections of one user that left, a few are remembered", async () => {
  const { desk, hub } = await inMemory();
  await using _ = hub;
  for (let n = 0; n < 100; n++) {
    const seat = seatFor(SEVEN);
    await desk.sit(seat);
    desk.rise(seat, { returns: true });
  }
  assert.equal((await desk.present(SEVEN)).length, 32);
});

Deno.test("an event that cannot be stored is delivered to nobody, and has its place when it can", async () => {
  const { open, state } = overStore();
  const { desk, hub } = await open();
  await using _ = hub;
  const { last } = await desk.sit(seatFor(SEVEN));
  const [first, second] = [eventFor(SEVEN), eventFor(SEVEN)];
  state.isBroken = true;
  await assert.rejects(
    hub.publish([first], { isRepeat: false }),
    (error) => error instanceof ServiceError && error.code === "store_unavailable",
  );
  assert.equal(desk.delivered.length, 0);
  state.isBroken = false;
  await desk.publish(second);
  await hub.publish([first], { isRepeat: true });
  assert.deepEqual(desk.delivered.map(({ id }) => id), [second.id, first.id]);
  assert.deepEqual(desk.delivered.map(({ previous }) => previous), [
    last,
    desk.delivered[0]!.offset,
  ]);
  assert.deepEqual(await hub.readMissed(SEVEN, last), { events: desk.delivered, complete: true });
});

Deno.test("who is there is written once the store can be written again", async () => {
  const { open, state, clock, records } = overStore();
  const { desk, hub } = await open();
  await using _ = hub;
  state.isBroken = true;
  await desk.sit(seatFor(SEVEN));
  await clock.advance(2500);
  assert.equal(state.refused, 3, "at once, and after a second each");
  state.isBroken = false;
  await clock.advance(1100);
  const users = await Array.fromAsync(records.readUsers());
  assert.deepEqual(users.map(({ user }) => user), ["7"]);
});

Deno.test("an event larger than a value of the store is kept, in every script", async () => {
  const under = await kvHubs();
  try {
    const desk = new Desk();
    desk.hub = await under.open(desk);
    const { last } = await desk.sit(seatFor(SEVEN));
    const texts = ["x".repeat(70_000), "漢".repeat(40_000), `a${"🔔".repeat(20_000)}`];
    await desk.publish(...texts.map((text) => eventFor(SEVEN, { args: `"x","${text}"` })));
    await under.crash(desk.hub);
    const next = new Desk();
    next.hub = await under.open(next);
    const { events, complete } = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual(events, desk.delivered);
    assert.ok(complete);
  } finally {
    await under.dispose();
  }
});

Deno.test("arguments with line breaks between their tokens come back as the same JSON", async () => {
  const under = await kvHubs();
  try {
    const desk = new Desk();
    desk.hub = await under.open(desk);
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN, { args: '"x",\n{\n"a":\n1}' }), eventFor(SEVEN));
    await under.crash(desk.hub);
    const next = new Desk();
    next.hub = await under.open(next);
    const { events } = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual(events.map(({ args }) => JSON.parse(`[${args}]`)[0]), ["x", "ox:mail:new"]);
    assert.deepEqual(JSON.parse(`[${events[0]!.args}]`), ["x", { a: 1 }]);
  } finally {
    await under.dispose();
  }
});

Deno.test("a batch that is more than one commit takes is delivered whole and in order", async () => {
  const under = await kvHubs();
  try {
    const desk = new Desk();
    desk.hub = await under.open(desk);
    const users = Array.from({ length: 300 }, (_, n) => ({ context: "1", user: `${n}` }));
    for (const user of users) await desk.sit(seatFor(user));
    const args = `"x","${"y".repeat(4000)}"`;
    const events = users.map((user) => eventFor(user, { args }));
    await desk.publish(...events);
    assert.deepEqual(desk.delivered.map(({ id }) => id), events.map(({ id }) => id));
  } finally {
    await under.dispose();
  }
});

Deno.test("after a long absence nobody is there any more, and nothing is kept of them", async () => {
  const { open, clock, records } = overStore();
  const first = await open();
  const { last } = await first.desk.sit(seatFor(SEVEN));
  await first.desk.publish(eventFor(SEVEN));
  await first.hub[Symbol.asyncDispose]();
  await clock.advance(LIMITS.windowMs * 1.1);
  const second = await open();
  await using _ = second.hub;
  await settle();
  assert.deepEqual(await second.desk.present(SEVEN), []);
  assert.deepEqual(await Array.fromAsync(records.readUsers()), []);
  assert.equal((await second.hub.readMissed(SEVEN, last)).complete, false);
});

Deno.test("events that do not join on to what is known count from where they do", async () => {
  const { open, store } = overStore();
  const first = await open();
  const { last } = await first.desk.sit(seatFor(SEVEN));
  for (let n = 0; n < 4; n++) await first.desk.publish(eventFor(SEVEN));
  const delivered: readonly LoggedEvent[] = first.desk.delivered;
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
