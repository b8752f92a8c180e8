/** The rules about the retention window: events, users and connections older than it. */

import assert from "node:assert/strict";
import type { Rule } from "./_event_survival.ts";
import { EIGHT, eventFor, idsOf, SEVEN, socketFor } from "./_fake_realtime.ts";

/** Registers the rules. */
export function windowRules(rule: Rule): void {
  rule("events older than the window are forgotten, and the log is incomplete", async (scene) => {
    const { realtime, under } = scene;
    const { last } = await realtime.connect(socketFor(SEVEN));
    await realtime.publish(eventFor(SEVEN));
    await under.pass(under.windowMs * 0.7);
    assert.equal((await realtime.hub.readMissed(SEVEN, last)).events.length, 1);
    await under.pass(under.windowMs * 0.6);
    const [old] = await realtime.untilDelivered(1);
    assert.deepEqual(await realtime.hub.readMissed(SEVEN, last), { events: [], complete: false });
    const nothing = await realtime.hub.readMissed(SEVEN, old!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
    await realtime.publish(eventFor(SEVEN));
    const [, next] = await realtime.untilDelivered(2);
    assert.equal(next!.previous, old!.offset);
    const rest = await realtime.hub.readMissed(SEVEN, last);
    assert.deepEqual(rest, { events: [next], complete: false });
  });

  rule("a user whose socket stays open misses nothing, however long it is quiet", async (scene) => {
    const { realtime, under } = scene;
    const { last } = await realtime.connect(socketFor(SEVEN));
    for (let time = 0; time < 3; time++) await under.pass(under.windowMs * 0.9);
    assert.deepEqual(await realtime.hub.readMissed(SEVEN, last), { events: [], complete: true });
    const second = await realtime.connect(socketFor(SEVEN));
    assert.ok(second.last >= last);
    await realtime.publish(eventFor(SEVEN));
    const delivered = await realtime.untilDelivered(1);
    const missed = await realtime.hub.readMissed(SEVEN, second.last);
    assert.deepEqual(missed, { events: delivered, complete: true });
  });

  rule("a connection with an id of its client is known long after the window", async (scene) => {
    const { realtime, under } = scene;
    const [named, unnamed] = [socketFor(SEVEN, { id: "c" }), socketFor(SEVEN)];
    for (const socket of [named, unnamed]) {
      assert.equal((await realtime.connect(socket)).wasConnected, undefined);
      realtime.disconnect(socket, { returns: true });
    }
    await realtime.present(SEVEN);
    await under.pass(under.windowMs * 1.5);
    const back = await realtime.connect(socketFor(SEVEN, { id: "c" }));
    assert.deepEqual([back.acknowledged, back.wasConnected], [undefined, true]);
    const elsewhere = await realtime.connect(socketFor(EIGHT, { id: "c" }));
    assert.equal(elsewhere.wasConnected, undefined, "the id is another user's");
    const { id } = unnamed;
    assert.equal(
      (await realtime.connect(socketFor(SEVEN, { id, socketId: id }))).wasConnected,
      undefined,
    );
  });

  rule("a user who was away for longer than the window may have missed events", async (scene) => {
    const { realtime, under } = scene;
    const socket = socketFor(SEVEN);
    const { last } = await realtime.connect(socket);
    await realtime.publish(eventFor(SEVEN));
    const [event] = await realtime.untilDelivered(1);
    realtime.disconnect(socket, { returns: true });
    await under.pass(under.windowMs * 1.3);
    assert.equal((await realtime.hub.readMissed(SEVEN, event!.offset)).complete, false);
    const back = await realtime.connect(socketFor(SEVEN));
    assert.ok(back.last >= event!.offset);
    for (const after of [0, last, event!.offset]) {
      const missed = await realtime.hub.readMissed(SEVEN, after);
      if (after < back.last) assert.deepEqual(missed, { events: [], complete: false });
    }
    assert.deepEqual(await realtime.hub.readMissed(SEVEN, back.last), {
      events: [],
      complete: true,
    });
  });

  rule(
    "a client that was away has missed what another socket of its user received",
    async (scene) => {
      const { realtime, under } = scene;
      const away = socketFor(SEVEN);
      await realtime.connect(socketFor(SEVEN));
      const { last } = await realtime.connect(away);
      realtime.disconnect(away, { returns: true });
      await under.pass(under.windowMs * 1.3);
      const event = eventFor(SEVEN);
      await realtime.publish(event);
      const missed = await realtime.hub.readMissed(SEVEN, last);
      assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
    },
  );
}
