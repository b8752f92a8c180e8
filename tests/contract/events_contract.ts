/**
 * What every event hub promises, as one suite over a factory. Times are parts of the window, so
 * that it may be two minutes of a fake clock or a fraction of a second of a real server.
 */

import assert from "node:assert/strict";
import {
  EIGHT,
  eventFor,
  type HubAbilities,
  type HubsUnderTest,
  idsOf,
  labelOf,
  type Scene,
  seatFor,
  SEVEN,
  shown,
  withHubs,
} from "./_event_desk.ts";
import { survivalRules } from "./_event_survival.ts";

export {
  Desk,
  EIGHT,
  eventFor,
  type HubAbilities,
  type HubsUnderTest,
  labelOf,
  type Scene,
  seatFor,
  SEVEN,
  shown,
} from "./_event_desk.ts";

/** Registers the suite. Rules about several nodes are the business of those who have them. */
export function eventHubContract(
  name: string,
  create: () => Promise<HubsUnderTest>,
  { survives }: HubAbilities,
): void {
  function rule(text: string, body: (scene: Scene) => Promise<void>): void {
    Deno.test(`${name}: ${text}`, () => withHubs(create, body));
  }

  rule(
    "what is published is delivered in order, each event naming the one before it",
    async (scene) => {
      const { desk } = scene;
      const { last } = await desk.sit(seatFor(SEVEN));
      const events = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
      await desk.publish(events[0]!, events[1]!);
      await desk.publish(events[2]!);
      const delivered = await desk.heard(3);
      assert.deepEqual(delivered.map(({ id }) => id), events.map(({ id }) => id));
      assert.ok(delivered[0]!.previous <= last && last < delivered[0]!.offset);
      for (const at of [1, 2]) {
        assert.equal(delivered[at]!.previous, delivered[at - 1]!.offset);
        assert.ok(delivered[at]!.offset > delivered[at - 1]!.offset);
      }
    },
  );

  rule("an event is delivered as it was published", async ({ desk }) => {
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
    const { events } = await desk.hub.readMissed(SEVEN, desk.delivered[0]!.previous);
    assert.deepEqual(events, desk.delivered);
  });

  rule("each user has a log of their own", async ({ desk }) => {
    const [seven, eight] = [await desk.sit(seatFor(SEVEN)), await desk.sit(seatFor(EIGHT))];
    const events = [eventFor(SEVEN), eventFor(EIGHT), eventFor(SEVEN), eventFor(EIGHT)];
    await desk.publish(...events);
    await desk.heard(4);
    const [ofSeven, ofEight] = [
      await desk.hub.readMissed(SEVEN, seven.last),
      await desk.hub.readMissed(EIGHT, eight.last),
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
    const acknowledged = desk.prove(seat);
    const late = eventFor(SEVEN);
    await desk.publish(late);
    await desk.heard(2);
    desk.rise(seat, { returns: true });
    const away = eventFor(SEVEN);
    await desk.publish(away);
    const back = await desk.sit(seatFor(SEVEN, { id: "c" }));
    assert.equal(back.acknowledged, acknowledged);
    const missed = await desk.hub.readMissed(SEVEN, acknowledged);
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
    assert.equal((await desk.sit(seatFor(SEVEN, { id: "d" }))).acknowledged, undefined);
    assert.equal((await desk.sit(seatFor(EIGHT, { id: "c" }))).acknowledged, undefined);
    await under.pass(under.windowMs * 1.3);
    assert.equal((await desk.sit(seatFor(SEVEN, { id: "c" }))).acknowledged, undefined);
  });

  rule("a connection comes back before its old socket was noticed to be dead", async ({ desk }) => {
    const old = seatFor(SEVEN, { id: "c" });
    await desk.sit(old);
    await desk.publish(eventFor(SEVEN));
    await desk.heard(1);
    const upTo = desk.prove(old);
    const fresh = seatFor(SEVEN, { id: "c" });
    const { acknowledged, last } = await desk.sit(fresh);
    assert.ok(acknowledged !== undefined && acknowledged <= upTo && acknowledged === last);
    desk.rise(old, { returns: true });
    assert.deepEqual(
      shown((await desk.present(SEVEN)).filter(({ open }) => open)),
      [{ ...labelOf(fresh), open: true }],
    );
  });

  rule("the log gives what came after an offset", async ({ desk }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    assert.deepEqual(await desk.hub.readMissed(SEVEN, last), { events: [], complete: true });
    await desk.publish(eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN));
    const delivered = await desk.heard(3);
    assert.deepEqual(await desk.hub.readMissed(SEVEN, last), { events: delivered, complete: true });
    const rest = await desk.hub.readMissed(SEVEN, delivered[1]!.offset);
    assert.deepEqual(rest, { events: [delivered[2]], complete: true });
    const nothing = await desk.hub.readMissed(SEVEN, delivered[2]!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
  });

  rule(
    "a socket that joins is delivered of what comes after the end that it is given",
    async (scene) => {
      const { desk } = scene;
      await desk.sit(seatFor(SEVEN));
      await desk.publish(eventFor(SEVEN), eventFor(SEVEN));
      const delivered = await desk.heard(2);
      const { last } = await desk.sit(seatFor(SEVEN));
      assert.equal(last, delivered[1]!.offset);
    },
  );

  rule("events for a user who left a moment ago are logged", async ({ desk }) => {
    const seat = seatFor(SEVEN);
    const { last } = await desk.sit(seat);
    desk.rise(seat, { returns: true });
    const event = eventFor(SEVEN);
    await desk.publish(event);
    await desk.sit(seatFor(SEVEN));
    const missed = await desk.hub.readMissed(SEVEN, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("a log that has grown too long says that something is missing", async ({ desk, under }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    for (let n = 0; n < under.maxEventsPerUser + 3; n++) await desk.publish(eventFor(SEVEN));
    const delivered = await desk.heard(under.maxEventsPerUser + 3);
    const missed = await desk.hub.readMissed(SEVEN, last);
    assert.deepEqual(missed, { events: delivered.slice(3), complete: false });
    const { previous } = missed.events[0]!;
    assert.ok((await desk.hub.readMissed(SEVEN, previous)).complete);
  });

  rule("events older than the window are forgotten, and the log says so", async (scene) => {
    const { desk, under } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN));
    await under.pass(under.windowMs * 0.7);
    assert.equal((await desk.hub.readMissed(SEVEN, last)).events.length, 1);
    await under.pass(under.windowMs * 0.6);
    const [old] = await desk.heard(1);
    assert.deepEqual(await desk.hub.readMissed(SEVEN, last), { events: [], complete: false });
    const nothing = await desk.hub.readMissed(SEVEN, old!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
    await desk.publish(eventFor(SEVEN));
    const [, next] = await desk.heard(2);
    assert.equal(next!.previous, old!.offset);
    const rest = await desk.hub.readMissed(SEVEN, last);
    assert.deepEqual(rest, { events: [next], complete: false });
  });

  rule("a user whose socket stays open misses nothing, however quiet it is", async (scene) => {
    const { desk, under } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    for (let time = 0; time < 3; time++) await under.pass(under.windowMs * 0.9);
    assert.deepEqual(await desk.hub.readMissed(SEVEN, last), { events: [], complete: true });
    const second = await desk.sit(seatFor(SEVEN));
    assert.ok(second.last >= last);
    await desk.publish(eventFor(SEVEN));
    const delivered = await desk.heard(1);
    const missed = await desk.hub.readMissed(SEVEN, second.last);
    assert.deepEqual(missed, { events: delivered, complete: true });
  });

  rule("a connection that its client named is known long after the window", async (scene) => {
    const { desk, under } = scene;
    const [named, unnamed] = [seatFor(SEVEN, { id: "c" }), seatFor(SEVEN)];
    for (const seat of [named, unnamed]) {
      assert.equal((await desk.sit(seat)).wasConnected, undefined);
      desk.rise(seat, { returns: true });
    }
    await desk.present(SEVEN);
    await under.pass(under.windowMs * 1.5);
    const back = await desk.sit(seatFor(SEVEN, { id: "c" }));
    assert.deepEqual([back.acknowledged, back.wasConnected], [undefined, true]);
    const elsewhere = await desk.sit(seatFor(EIGHT, { id: "c" }));
    assert.equal(elsewhere.wasConnected, undefined, "it is another user's name");
    const { id } = unnamed;
    assert.equal((await desk.sit(seatFor(SEVEN, { id, socketId: id }))).wasConnected, undefined);
  });

  rule("who was away for longer than the window may have missed anything", async (scene) => {
    const { desk, under } = scene;
    const seat = seatFor(SEVEN);
    const { last } = await desk.sit(seat);
    await desk.publish(eventFor(SEVEN));
    const [event] = await desk.heard(1);
    desk.rise(seat, { returns: true });
    await under.pass(under.windowMs * 1.3);
    assert.equal((await desk.hub.readMissed(SEVEN, event!.offset)).complete, false);
    const back = await desk.sit(seatFor(SEVEN));
    assert.ok(back.last >= event!.offset);
    for (const after of [0, last, event!.offset]) {
      const missed = await desk.hub.readMissed(SEVEN, after);
      if (after < back.last) assert.deepEqual(missed, { events: [], complete: false });
    }
    assert.deepEqual(await desk.hub.readMissed(SEVEN, back.last), { events: [], complete: true });
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
      const missed = await desk.hub.readMissed(SEVEN, last);
      assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
    },
  );

  rule("an offset that was never given out is none of the log's", async ({ desk }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    assert.equal((await desk.hub.readMissed(SEVEN, last + 1e9)).complete, false);
    await desk.publish(eventFor(SEVEN));
    const [event] = await desk.heard(1);
    assert.equal((await desk.hub.readMissed(SEVEN, event!.offset + 1e9)).complete, false);
    assert.equal((await desk.hub.readMissed(EIGHT, event!.offset)).complete, false);
  });

  rule(
    "an event that is published isRepeat keeps its place and is delivered again",
    async ({ desk }) => {
      const { last } = await desk.sit(seatFor(SEVEN));
      const [first, second, third] = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
      await desk.publish(first!, second!);
      await desk.heard(2);
      const lost = await desk.hub.publish([first!, third!], { isRepeat: true });
      assert.equal(lost.size, 0);
      const delivered = await desk.heard(4);
      assert.deepEqual(delivered[2], delivered[0]);
      const missed = await desk.hub.readMissed(SEVEN, last);
      assert.deepEqual(idsOf(missed), [first!.id, second!.id, third!.id]);
      assert.equal(delivered[3]!.previous, delivered[1]!.offset);
    },
  );

  if (survives) survivalRules(rule);
}
