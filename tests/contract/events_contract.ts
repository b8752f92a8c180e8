/**
 * What every event hub promises, as one suite over a factory. Times are parts of the window, so
 * that it may be two minutes of a fake clock or a fraction of a second of a real server.
 */

import assert from "node:assert/strict";
import type {
  EventHub,
  LocalSeat,
  LocalSockets,
  LoggedEvent,
  Missed,
  Presence,
  Seat,
  UserEvent,
  UserName,
} from "../../core/events.ts";
import { until } from "../support/until.ts";

/** A world of hubs that share whatever they share. */
export interface HubsUnderTest {
  /** How long the log goes back: milliseconds. */
  readonly windowMs: number;
  /** How many events a user's log keeps; few, so that tests can fill it. */
  readonly maxEventsPerUser: number;
  /** Opens and starts one more hub. Hubs that are opened after a crash are started anew. */
  open(local: LocalSockets): Promise<EventHub>;
  /** Lets time pass for all hubs. */
  pass(ms: number): Promise<void>;
  /**
   * Ends a hub like `kill -9` would. Resolves when what it had counts as left: at once where the
   * next start finds out, after the lease where others do.
   */
  crash(hub: EventHub): Promise<void>;
  /** Disposes of whatever was opened and not crashed. */
  dispose(): Promise<void>;
}

/** Which rules hold. */
export interface HubAbilities {
  /** A log, and who was there, outlive a crash of the hub. */
  readonly survives: boolean;
}

export const SEVEN: UserName = { context: "1", user: "7" };
export const EIGHT: UserName = { context: "1", user: "8" };

let count = 0;

/** An event with an id of its own. */
export function eventFor(user: UserName, fields: Partial<UserEvent> = {}): UserEvent {
  const id = `event-${++count}`;
  return { ...user, id, clients: ["mail"], args: `"ox:mail:new",{"n":${count}}`, ...fields };
}

/** A seat that nobody else has. */
export function seatFor(user: UserName, fields: Partial<Seat> = {}): Seat {
  const socketId = `socket-${++count}`;
  return { ...user, client: "mail", id: socketId, socketId, beatMs: 100, ...fields };
}

/** The sockets of one process, which only write down what they are told. */
export class Desk implements LocalSockets {
  readonly told: LoggedEvent[] = [];
  readonly caughtUp: UserName[] = [];
  hub!: EventHub;
  #seats: (LocalSeat & { cursor: number; proven: number })[] = [];

  tell(event: LoggedEvent): void {
    this.told.push(event);
    for (const seat of this.#seats) {
      if (isOf(seat, event)) seat.cursor = Math.max(seat.cursor, event.offset);
    }
  }

  seats(): readonly LocalSeat[] {
    return this.#seats;
  }

  seatsOf(user: UserName): readonly LocalSeat[] {
    return this.#seats.filter((seat) => isOf(seat, user));
  }

  catchUp(user: UserName): void {
    this.caughtUp.push(user);
  }

  /** Lets a socket in, as the realtime server does. */
  async sit(seat: Seat) {
    const local = { ...seat, cursor: -1, proven: -1 };
    this.#seats.push(local);
    const joined = await this.hub.join(local);
    local.cursor = local.proven = Math.max(local.cursor, joined.last);
    return joined;
  }

  /** The client has answered: everything that it was told so far has arrived. */
  prove(seat: Seat): number {
    const local = this.#seats.find(({ socketId }) => socketId === seat.socketId)!;
    return local.proven = local.cursor;
  }

  /** Closes a socket whose client may come back, or not. */
  rise(seat: Seat, { returns }: { readonly returns: boolean }): void {
    const local = this.#seats.find(({ socketId }) => socketId === seat.socketId)!;
    this.#seats = this.#seats.filter((each) => each !== local);
    this.hub.leave(local, returns ? local.proven : undefined);
  }

  /** Waits until so many events have been told altogether; all of them. */
  async heard(total: number): Promise<readonly LoggedEvent[]> {
    await until(`${total} events are told`, () => this.told.length >= total);
    assert.equal(this.told.length, total);
    return this.told;
  }

  async present(user: UserName): Promise<readonly Presence[]> {
    const [present] = await this.hub.presence([user]);
    return present!;
  }

  async publish(...events: readonly UserEvent[]): Promise<void> {
    assert.equal((await this.hub.publish(events, { again: false })).size, 0);
  }
}

function isOf(seat: UserName, { context, user }: UserName): boolean {
  return seat.context === context && seat.user === user;
}

/** What a test gets: a world with one hub, and a desk in front of it. */
export interface Scene {
  readonly under: HubsUnderTest;
  readonly desk: Desk;
  /** Opens one more hub. */
  another(): Promise<Desk>;
}

/** Runs one test in a world of its own. */
export async function withHubs(
  create: () => Promise<HubsUnderTest>,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const under = await create();
  async function another() {
    const desk = new Desk();
    desk.hub = await under.open(desk);
    return desk;
  }
  try {
    await body({ under, another, desk: await another() });
  } finally {
    await under.dispose();
  }
}

/** Registers the suite. Rules about several nodes are the business of those who have them. */
export function eventHubContract(
  name: string,
  create: () => Promise<HubsUnderTest>,
  { survives }: HubAbilities,
): void {
  function rule(text: string, body: (scene: Scene) => Promise<void>): void {
    Deno.test(`${name}: ${text}`, () => withHubs(create, body));
  }

  rule("what is published is told in order, each event naming the one before it", async (scene) => {
    const { desk } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    const events = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
    await desk.publish(events[0]!, events[1]!);
    await desk.publish(events[2]!);
    const told = await desk.heard(3);
    assert.deepEqual(told.map(({ id }) => id), events.map(({ id }) => id));
    assert.ok(told[0]!.previous <= last && last < told[0]!.offset);
    for (const at of [1, 2]) {
      assert.equal(told[at]!.previous, told[at - 1]!.offset);
      assert.ok(told[at]!.offset > told[at - 1]!.offset);
    }
  });

  rule("an event is told as it was published", async ({ desk }) => {
    await desk.sit(seatFor(SEVEN));
    const plain = eventFor(SEVEN);
    const full = eventFor(SEVEN, {
      clients: ["mail", "a, b", "Telefon 📱"],
      args: '"ox:mail:new",{"subject":"Grüße 🔔 \\"\\n\\u0000","n":[1,null,true]}',
      except: 'some "connection"\nof a client',
    });
    await desk.publish(plain, full);
    for (const [at, { offset, previous, ...event }] of (await desk.heard(2)).entries()) {
      assert.deepEqual(event, [plain, full][at]);
      assert.ok(offset > previous);
    }
    const { events } = await desk.hub.missed(SEVEN, desk.told[0]!.previous);
    assert.deepEqual(events, desk.told);
  });

  rule("each user has a log of their own", async ({ desk }) => {
    const [seven, eight] = [await desk.sit(seatFor(SEVEN)), await desk.sit(seatFor(EIGHT))];
    const events = [eventFor(SEVEN), eventFor(EIGHT), eventFor(SEVEN), eventFor(EIGHT)];
    await desk.publish(...events);
    await desk.heard(4);
    const [ofSeven, ofEight] = [
      await desk.hub.missed(SEVEN, seven.last),
      await desk.hub.missed(EIGHT, eight.last),
    ];
    assert.deepEqual(idsOf(ofSeven), [events[0]!.id, events[2]!.id]);
    assert.deepEqual(idsOf(ofEight), [events[1]!.id, events[3]!.id]);
    assert.equal(ofEight.events[1]!.previous, ofEight.events[0]!.offset);
  });

  rule("nobody is there of whom nothing is known", async ({ desk }) => {
    assert.deepEqual(await desk.hub.presence([SEVEN, EIGHT]), [[], []]);
    assert.deepEqual(await desk.hub.presence([]), []);
  });

  rule("open sockets are there, in the order of the users asked for", async ({ desk }) => {
    const seats = [seatFor(SEVEN), seatFor(EIGHT, { id: "c", client: "phone" }), seatFor(SEVEN)];
    for (const seat of seats) await desk.sit(seat);
    const [ofEight, ofSeven] = await desk.hub.presence([EIGHT, SEVEN]);
    assert.deepEqual(shown(ofEight!), [{ ...labelOf(seats[1]!), open: true }]);
    assert.deepEqual(shown(ofSeven!), [
      { ...labelOf(seats[0]!), open: true },
      { ...labelOf(seats[2]!), open: true },
    ]);
  });

  rule("a socket that closed is there for the window, though not open", async ({ desk, under }) => {
    const seat = seatFor(SEVEN);
    await desk.sit(seat);
    desk.rise(seat, { returns: true });
    assert.deepEqual(shown(await desk.present(SEVEN)), [{ ...labelOf(seat), open: false }]);
    await under.pass(under.windowMs * 0.7);
    assert.equal((await desk.present(SEVEN)).length, 1);
    await under.pass(under.windowMs * 0.6);
    assert.deepEqual(await desk.present(SEVEN), []);
  });

  rule("a client that is not coming back is not there any more", async ({ desk }) => {
    const [gone, stays] = [seatFor(SEVEN), seatFor(SEVEN)];
    for (const seat of [gone, stays]) await desk.sit(seat);
    desk.rise(gone, { returns: false });
    assert.deepEqual(shown(await desk.present(SEVEN)), [{ ...labelOf(stays), open: true }]);
    desk.rise(stays, { returns: false });
    assert.deepEqual(await desk.present(SEVEN), []);
  });

  rule("a connection that comes back learns up to where it has everything", async ({ desk }) => {
    const seat = seatFor(SEVEN, { id: "c" });
    await desk.sit(seat);
    await desk.publish(eventFor(SEVEN));
    await desk.heard(1);
    const proven = desk.prove(seat);
    const late = eventFor(SEVEN);
    await desk.publish(late);
    await desk.heard(2);
    desk.rise(seat, { returns: true });
    const away = eventFor(SEVEN);
    await desk.publish(away);
    const back = await desk.sit(seatFor(SEVEN, { id: "c" }));
    assert.equal(back.from, proven);
    const missed = await desk.hub.missed(SEVEN, proven);
    assert.deepEqual(idsOf(missed), [late.id, away.id]);
    assert.ok(missed.complete);
    assert.equal(missed.events.at(-1)!.offset, back.last);
    assert.deepEqual(
      (await desk.present(SEVEN)).map(({ id, open }) => [id, open]),
      [["c", true]],
    );
  });

  rule("nobody else comes back as that connection", async ({ desk, under }) => {
    const seat = seatFor(SEVEN, { id: "c" });
    await desk.sit(seat);
    desk.rise(seat, { returns: true });
    assert.equal((await desk.sit(seatFor(SEVEN, { id: "d" }))).from, undefined);
    assert.equal((await desk.sit(seatFor(EIGHT, { id: "c" }))).from, undefined);
    await under.pass(under.windowMs * 1.3);
    assert.equal((await desk.sit(seatFor(SEVEN, { id: "c" }))).from, undefined);
  });

  rule("a connection comes back before its old socket was noticed to be dead", async ({ desk }) => {
    const old = seatFor(SEVEN, { id: "c" });
    await desk.sit(old);
    await desk.publish(eventFor(SEVEN));
    await desk.heard(1);
    const proven = desk.prove(old);
    const fresh = seatFor(SEVEN, { id: "c" });
    const { from, last } = await desk.sit(fresh);
    assert.ok(from !== undefined && from <= proven && proven === last);
    desk.rise(old, { returns: true });
    assert.deepEqual(
      shown((await desk.present(SEVEN)).filter(({ open }) => open)),
      [{ ...labelOf(fresh), open: true }],
    );
  });

  rule("the log gives what came after an offset", async ({ desk }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    assert.deepEqual(await desk.hub.missed(SEVEN, last), { events: [], complete: true });
    await desk.publish(eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN));
    const told = await desk.heard(3);
    assert.deepEqual(await desk.hub.missed(SEVEN, last), { events: told, complete: true });
    const rest = await desk.hub.missed(SEVEN, told[1]!.offset);
    assert.deepEqual(rest, { events: [told[2]], complete: true });
    const nothing = await desk.hub.missed(SEVEN, told[2]!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
  });

  rule(
    "a socket that joins is told of what comes after the end that it is given",
    async (scene) => {
      const { desk } = scene;
      await desk.sit(seatFor(SEVEN));
      await desk.publish(eventFor(SEVEN), eventFor(SEVEN));
      const told = await desk.heard(2);
      const { last } = await desk.sit(seatFor(SEVEN));
      assert.equal(last, told[1]!.offset);
    },
  );

  rule("events for a user who left a moment ago are logged", async ({ desk }) => {
    const seat = seatFor(SEVEN);
    const { last } = await desk.sit(seat);
    desk.rise(seat, { returns: true });
    const event = eventFor(SEVEN);
    await desk.publish(event);
    await desk.sit(seatFor(SEVEN));
    const missed = await desk.hub.missed(SEVEN, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("a log that has grown too long says that something is missing", async ({ desk, under }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    for (let n = 0; n < under.maxEventsPerUser + 3; n++) await desk.publish(eventFor(SEVEN));
    const told = await desk.heard(under.maxEventsPerUser + 3);
    const missed = await desk.hub.missed(SEVEN, last);
    assert.deepEqual(missed, { events: told.slice(3), complete: false });
    const { previous } = missed.events[0]!;
    assert.ok((await desk.hub.missed(SEVEN, previous)).complete);
  });

  rule("events older than the window are forgotten, and the log says so", async (scene) => {
    const { desk, under } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN));
    await under.pass(under.windowMs * 0.7);
    assert.equal((await desk.hub.missed(SEVEN, last)).events.length, 1);
    await under.pass(under.windowMs * 0.6);
    const [old] = await desk.heard(1);
    assert.deepEqual(await desk.hub.missed(SEVEN, last), { events: [], complete: false });
    const nothing = await desk.hub.missed(SEVEN, old!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
    await desk.publish(eventFor(SEVEN));
    const [, next] = await desk.heard(2);
    assert.equal(next!.previous, old!.offset);
    const rest = await desk.hub.missed(SEVEN, last);
    assert.deepEqual(rest, { events: [next], complete: false });
  });

  rule("a user whose socket stays open misses nothing, however quiet it is", async (scene) => {
    const { desk, under } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    for (let time = 0; time < 3; time++) await under.pass(under.windowMs * 0.9);
    assert.deepEqual(await desk.hub.missed(SEVEN, last), { events: [], complete: true });
    const second = await desk.sit(seatFor(SEVEN));
    assert.ok(second.last >= last);
    await desk.publish(eventFor(SEVEN));
    const told = await desk.heard(1);
    const missed = await desk.hub.missed(SEVEN, second.last);
    assert.deepEqual(missed, { events: told, complete: true });
  });

  rule("who was away for longer than the window may have missed anything", async (scene) => {
    const { desk, under } = scene;
    const seat = seatFor(SEVEN);
    const { last } = await desk.sit(seat);
    await desk.publish(eventFor(SEVEN));
    const [event] = await desk.heard(1);
    desk.rise(seat, { returns: true });
    await under.pass(under.windowMs * 1.3);
    assert.equal((await desk.hub.missed(SEVEN, event!.offset)).complete, false);
    const back = await desk.sit(seatFor(SEVEN));
    assert.ok(back.last >= event!.offset);
    for (const after of [0, last, event!.offset]) {
      const missed = await desk.hub.missed(SEVEN, after);
      if (after < back.last) assert.deepEqual(missed, { events: [], complete: false });
    }
    assert.deepEqual(await desk.hub.missed(SEVEN, back.last), { events: [], complete: true });
  });

  rule(
    "who was away while another socket of theirs stayed has missed what it got",
    async (scene) => {
      const { desk, under } = scene;
      const away = seatFor(SEVEN);
      await desk.sit(seatFor(SEVEN));
      const { last } = await desk.sit(away);
      desk.rise(away, { returns: true });
      await under.pass(under.windowMs * 1.3);
      const event = eventFor(SEVEN);
      await desk.publish(event);
      const missed = await desk.hub.missed(SEVEN, last);
      assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
    },
  );

  rule("an offset that was never given out is none of the log's", async ({ desk }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    assert.equal((await desk.hub.missed(SEVEN, last + 1e9)).complete, false);
    await desk.publish(eventFor(SEVEN));
    const [event] = await desk.heard(1);
    assert.equal((await desk.hub.missed(SEVEN, event!.offset + 1e9)).complete, false);
    assert.equal((await desk.hub.missed(EIGHT, event!.offset)).complete, false);
  });

  rule("an event that is published again keeps its place and is told again", async ({ desk }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    const [first, second, third] = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
    await desk.publish(first!, second!);
    await desk.heard(2);
    const lost = await desk.hub.publish([first!, third!], { again: true });
    assert.equal(lost.size, 0);
    const told = await desk.heard(4);
    assert.deepEqual(told[2], told[0]);
    const missed = await desk.hub.missed(SEVEN, last);
    assert.deepEqual(idsOf(missed), [first!.id, second!.id, third!.id]);
    assert.equal(told[3]!.previous, told[1]!.offset);
  });

  rule("a stop leaves every socket as one that may come back", async ({ desk, another }) => {
    if (!survives) return;
    const seat = seatFor(SEVEN, { id: "c" });
    const { last } = await desk.sit(seat);
    const event = eventFor(SEVEN);
    await desk.publish(event);
    await desk.heard(1);
    await desk.hub.stop();
    const next = await another();
    assert.deepEqual(shown(await next.present(SEVEN)), [{ ...labelOf(seat), open: false }]);
    const { from } = await next.sit(seatFor(SEVEN, { id: "c" }));
    assert.equal(from, last);
    const missed = await next.hub.missed(SEVEN, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  if (!survives) return;

  rule("a log survives a crash", async ({ desk, under, another }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN), eventFor(SEVEN));
    const told = await desk.heard(2);
    await under.crash(desk.hub);
    const next = await another();
    assert.deepEqual(await next.hub.missed(SEVEN, last), { events: told, complete: true });
    const back = await next.sit(seatFor(SEVEN));
    assert.equal(back.last, told[1]!.offset);
    await next.publish(eventFor(SEVEN));
    const [after] = await next.heard(1);
    assert.equal(after!.previous, told[1]!.offset);
    const missed = await next.hub.missed(SEVEN, told[0]!.offset);
    assert.deepEqual(missed, { events: [told[1], after], complete: true });
  });

  rule("who was there when it crashed is away for a moment", async ({ desk, under, another }) => {
    const quiet = seatFor(EIGHT, { id: "q" });
    const seat = seatFor(SEVEN, { id: "c" });
    const { last } = await desk.sit(quiet);
    await desk.sit(seat);
    await desk.publish(eventFor(SEVEN));
    await desk.heard(1);
    await under.crash(desk.hub);
    const next = await another();
    assert.deepEqual(shown(await next.present(SEVEN)), [{ ...labelOf(seat), open: false }]);
    assert.deepEqual(shown(await next.present(EIGHT)), [{ ...labelOf(quiet), open: false }]);
    const event = eventFor(EIGHT);
    await next.publish(event);
    const { from } = await next.sit(seatFor(EIGHT, { id: "q" }));
    assert.ok(from !== undefined && from <= last);
    const missed = await next.hub.missed(EIGHT, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("an event that a crash cut off from its telling keeps its place", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    const [first, second] = [eventFor(SEVEN), eventFor(SEVEN)];
    await desk.publish(first!, second!);
    const told = await desk.heard(2);
    await under.crash(desk.hub);
    const next = await another();
    await next.sit(seatFor(SEVEN));
    await next.hub.publish([first!], { again: true });
    assert.deepEqual(await next.heard(1), [told[0]]);
    assert.deepEqual(await next.hub.missed(SEVEN, last), { events: told, complete: true });
  });

  rule("a log that was trimmed before a crash is not whole after it", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    for (let n = 0; n < under.maxEventsPerUser + 3; n++) await desk.publish(eventFor(SEVEN));
    const told = await desk.heard(under.maxEventsPerUser + 3);
    await under.crash(desk.hub);
    const next = await another();
    const missed = await next.hub.missed(SEVEN, last);
    assert.deepEqual(missed, { events: told.slice(3), complete: false });
    assert.ok((await next.hub.missed(SEVEN, told[2]!.offset)).complete);
  });

  rule("an event that was forgotten before a crash is missing after it", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN));
    const [event] = await desk.heard(1);
    await under.pass(under.windowMs * 1.3);
    await under.crash(desk.hub);
    const next = await another();
    assert.equal((await next.hub.missed(SEVEN, last)).complete, false);
    const nothing = await next.hub.missed(SEVEN, event!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
  });
}

function idsOf({ events }: Missed): readonly string[] {
  return events.map(({ id }) => id);
}

/** What a seat is known by. */
export function labelOf({ client, id, socketId }: Seat) {
  return { client, id, socketId };
}

/** Presences as plain values, in a fixed order. */
export function shown(present: readonly Presence[]) {
  return present
    .map(({ client, id, socketId, open }) => ({ client, id, socketId, open }))
    .sort((a, b) => a.socketId < b.socketId ? -1 : 1);
}
