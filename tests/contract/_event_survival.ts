/** The rules for hubs whose logs and presence survive a crash. */

import assert from "node:assert/strict";
import {
  EIGHT,
  eventFor,
  idsOf,
  labelOf,
  type Scene,
  SEVEN,
  shown,
  socketFor,
} from "./_fake_realtime.ts";

/** Registers a rule of the suite. */
export type Rule = (text: string, body: (scene: Scene) => Promise<void>) => void;

/** Registers the rules. */
export function survivalRules(rule: Rule): void {
  rule("after a stop, every client may reconnect", async ({ realtime, another }) => {
    const socket = socketFor(SEVEN, { id: "c" });
    const { last } = await realtime.connect(socket);
    const event = eventFor(SEVEN);
    await realtime.publish(event);
    await realtime.untilDelivered(1);
    await realtime.hub.stop();
    const next = await another();
    assert.deepEqual(shown(await next.present(SEVEN)), [{ ...labelOf(socket), open: false }]);
    const { acknowledged } = await next.connect(socketFor(SEVEN, { id: "c" }));
    assert.equal(acknowledged, last);
    const missed = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("a connection with an id of its client is still known after a stop", async (scene) => {
    const { realtime, under, another } = scene;
    const [closed, open] = [socketFor(SEVEN, { id: "c" }), socketFor(SEVEN, { id: "d" })];
    for (const socket of [closed, open]) await realtime.connect(socket);
    realtime.disconnect(closed, { returns: true });
    await realtime.hub.stop();
    await under.pass(under.windowMs * 1.5);
    const next = await another();
    for (const id of ["c", "d"]) {
      assert.equal((await next.connect(socketFor(SEVEN, { id }))).wasConnected, true, id);
    }
  });

  rule("a log survives a crash", async ({ realtime, under, another }) => {
    const { last } = await realtime.connect(socketFor(SEVEN));
    await realtime.publish(eventFor(SEVEN), eventFor(SEVEN));
    const delivered = await realtime.untilDelivered(2);
    await under.crash(realtime.hub);
    const next = await another();
    assert.deepEqual(await next.hub.readMissed(SEVEN, last), { events: delivered, complete: true });
    const back = await next.connect(socketFor(SEVEN));
    assert.equal(back.last, delivered[1]!.offset);
    await next.publish(eventFor(SEVEN));
    const [after] = await next.untilDelivered(1);
    assert.equal(after!.previous, delivered[1]!.offset);
    const missed = await next.hub.readMissed(SEVEN, delivered[0]!.offset);
    assert.deepEqual(missed, { events: [delivered[1], after], complete: true });
  });

  rule("the clients that events were kept for survive a crash with the log", async (scene) => {
    const { realtime, under, another } = scene;
    const { last } = await realtime.connect(socketFor(SEVEN));
    const clients = ["mail", "phone"];
    const events = [{}, { except: "c" }, { kept: ["phone"] }, { except: "c", kept: clients }]
      .map((fields) => eventFor(SEVEN, { clients, ...fields }));
    await realtime.publish(...events);
    await under.crash(realtime.hub);
    const missed = await (await another()).hub.readMissed(SEVEN, last);
    assert.deepEqual(missed.events.map(({ offset: _, previous: __, ...event }) => event), events);
  });

  rule(
    "users who were present at a crash are present, with closed sockets, after it",
    async ({ realtime, under, another }) => {
      const quiet = socketFor(EIGHT, { id: "q" });
      const socket = socketFor(SEVEN, { id: "c" });
      const { last } = await realtime.connect(quiet);
      await realtime.connect(socket);
      await realtime.publish(eventFor(SEVEN));
      await realtime.untilDelivered(1);
      await under.crash(realtime.hub);
      const next = await another();
      assert.deepEqual(shown(await next.present(SEVEN)), [{ ...labelOf(socket), open: false }]);
      assert.deepEqual(shown(await next.present(EIGHT)), [{ ...labelOf(quiet), open: false }]);
      const event = eventFor(EIGHT);
      await next.publish(event);
      const { acknowledged } = await next.connect(socketFor(EIGHT, { id: "q" }));
      assert.ok(acknowledged !== undefined && acknowledged <= last);
      const missed = await next.hub.readMissed(EIGHT, last);
      assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
    },
  );

  rule("an event published again after a crash keeps its offset", async (scene) => {
    const { realtime, under, another } = scene;
    const { last } = await realtime.connect(socketFor(SEVEN));
    const [first, second] = [eventFor(SEVEN), eventFor(SEVEN)];
    await realtime.publish(first!, second!);
    const delivered = await realtime.untilDelivered(2);
    await under.crash(realtime.hub);
    const next = await another();
    await next.connect(socketFor(SEVEN));
    await next.hub.publish([first!], { isRepeat: true });
    assert.deepEqual(await next.untilDelivered(1), [delivered[0]]);
    assert.deepEqual(await next.hub.readMissed(SEVEN, last), { events: delivered, complete: true });
  });

  rule("a log that was trimmed before a crash is incomplete after it", async (scene) => {
    const { realtime, under, another } = scene;
    const { last } = await realtime.connect(socketFor(SEVEN));
    for (let n = 0; n < under.maxEventsPerUser + 3; n++) await realtime.publish(eventFor(SEVEN));
    const delivered = await realtime.untilDelivered(under.maxEventsPerUser + 3);
    await under.crash(realtime.hub);
    const next = await another();
    const missed = await next.hub.readMissed(SEVEN, last);
    assert.deepEqual(missed, { events: delivered.slice(3), complete: false });
    assert.ok((await next.hub.readMissed(SEVEN, delivered[2]!.offset)).complete);
  });

  rule("an event that had expired before a crash is missing after it", async (scene) => {
    const { realtime, under, another } = scene;
    const { last } = await realtime.connect(socketFor(SEVEN));
    await realtime.publish(eventFor(SEVEN));
    const [event] = await realtime.untilDelivered(1);
    await under.pass(under.windowMs * 1.3);
    await under.crash(realtime.hub);
    const next = await another();
    assert.equal((await next.hub.readMissed(SEVEN, last)).complete, false);
    const nothing = await next.hub.readMissed(SEVEN, event!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
  });
}
