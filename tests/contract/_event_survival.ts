/** What the hubs promise whose logs, and who was there, outlive them. */

import assert from "node:assert/strict";
import {
  EIGHT,
  eventFor,
  idsOf,
  labelOf,
  type Scene,
  seatFor,
  SEVEN,
  shown,
} from "./_event_desk.ts";

/** Registers a rule of the suite. */
export type Rule = (text: string, body: (scene: Scene) => Promise<void>) => void;

/** See the file's comment. */
export function survivalRules(rule: Rule): void {
  rule("a stop leaves every socket as one that may come back", async ({ desk, another }) => {
    const seat = seatFor(SEVEN, { id: "c" });
    const { last } = await desk.sit(seat);
    const event = eventFor(SEVEN);
    await desk.publish(event);
    await desk.heard(1);
    await desk.hub.stop();
    const next = await another();
    assert.deepEqual(shown(await next.present(SEVEN)), [{ ...labelOf(seat), open: false }]);
    const { acknowledged } = await next.sit(seatFor(SEVEN, { id: "c" }));
    assert.equal(acknowledged, last);
    const missed = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("a connection that its client named is known after a stop, too", async (scene) => {
    const { desk, under, another } = scene;
    const [left, open] = [seatFor(SEVEN, { id: "c" }), seatFor(SEVEN, { id: "d" })];
    for (const seat of [left, open]) await desk.sit(seat);
    desk.rise(left, { returns: true });
    await desk.hub.stop();
    await under.pass(under.windowMs * 1.5);
    const next = await another();
    for (const id of ["c", "d"]) {
      assert.equal((await next.sit(seatFor(SEVEN, { id }))).wasConnected, true, id);
    }
  });

  rule("a log survives a crash", async ({ desk, under, another }) => {
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN), eventFor(SEVEN));
    const delivered = await desk.heard(2);
    await under.crash(desk.hub);
    const next = await another();
    assert.deepEqual(await next.hub.readMissed(SEVEN, last), { events: delivered, complete: true });
    const back = await next.sit(seatFor(SEVEN));
    assert.equal(back.last, delivered[1]!.offset);
    await next.publish(eventFor(SEVEN));
    const [after] = await next.heard(1);
    assert.equal(after!.previous, delivered[1]!.offset);
    const missed = await next.hub.readMissed(SEVEN, delivered[0]!.offset);
    assert.deepEqual(missed, { events: [delivered[1], after], complete: true });
  });

  rule("whom events were kept for survives a crash with the log", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    const clients = ["mail", "phone"];
    const events = [{}, { except: "c" }, { kept: ["phone"] }, { except: "c", kept: clients }]
      .map((fields) => eventFor(SEVEN, { clients, ...fields }));
    await desk.publish(...events);
    await under.crash(desk.hub);
    const missed = await (await another()).hub.readMissed(SEVEN, last);
    assert.deepEqual(missed.events.map(({ offset: _, previous: __, ...event }) => event), events);
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
    const { acknowledged } = await next.sit(seatFor(EIGHT, { id: "q" }));
    assert.ok(acknowledged !== undefined && acknowledged <= last);
    const missed = await next.hub.readMissed(EIGHT, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("an event that a crash cut off from its telling keeps its place", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    const [first, second] = [eventFor(SEVEN), eventFor(SEVEN)];
    await desk.publish(first!, second!);
    const delivered = await desk.heard(2);
    await under.crash(desk.hub);
    const next = await another();
    await next.sit(seatFor(SEVEN));
    await next.hub.publish([first!], { isRepeat: true });
    assert.deepEqual(await next.heard(1), [delivered[0]]);
    assert.deepEqual(await next.hub.readMissed(SEVEN, last), { events: delivered, complete: true });
  });

  rule("a log that was trimmed before a crash is not whole after it", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    for (let n = 0; n < under.maxEventsPerUser + 3; n++) await desk.publish(eventFor(SEVEN));
    const delivered = await desk.heard(under.maxEventsPerUser + 3);
    await under.crash(desk.hub);
    const next = await another();
    const missed = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual(missed, { events: delivered.slice(3), complete: false });
    assert.ok((await next.hub.readMissed(SEVEN, delivered[2]!.offset)).complete);
  });

  rule("an event that was forgotten before a crash is missing after it", async (scene) => {
    const { desk, under, another } = scene;
    const { last } = await desk.sit(seatFor(SEVEN));
    await desk.publish(eventFor(SEVEN));
    const [event] = await desk.heard(1);
    await under.pass(under.windowMs * 1.3);
    await under.crash(desk.hub);
    const next = await another();
    assert.equal((await next.hub.readMissed(SEVEN, last)).complete, false);
    const nothing = await next.hub.readMissed(SEVEN, event!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
  });
}
