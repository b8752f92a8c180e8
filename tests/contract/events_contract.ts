/**
 * The contract of every event hub, as one suite over a factory. Times are fractions of the window,
 * which may be two minutes of a fake clock or a fraction of a second of a real server.
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
  SEVEN,
  shown,
  socketFor,
  withHubs,
} from "./_fake_realtime.ts";
import { survivalRules } from "./_event_survival.ts";
import { windowRules } from "./_event_window.ts";

export {
  EIGHT,
  eventFor,
  FakeRealtime,
  type HubsUnderTest,
  labelOf,
  SEVEN,
  shown,
  socketFor,
} from "./_fake_realtime.ts";

/** Registers the suite. Rules for several nodes are in the tests of hubs that have several. */
export function eventHubContract(
  name: string,
  create: () => Promise<HubsUnderTest>,
  { survives }: HubAbilities,
): void {
  function rule(text: string, body: (scene: Scene) => Promise<void>): void {
    Deno.test(`${name}: ${text}`, () => withHubs(create, body));
  }

  rule(
    "events are delivered in order, each with the offset of the one before it",
    async (scene) => {
      const { realtime } = scene;
      const { last } = await realtime.connect(socketFor(SEVEN));
      const events = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
      await realtime.publish(events[0]!, events[1]!);
      await realtime.publish(events[2]!);
      const delivered = await realtime.untilDelivered(3);
      assert.deepEqual(delivered.map(({ id }) => id), events.map(({ id }) => id));
      assert.ok(delivered[0]!.previous <= last && last < delivered[0]!.offset);
      for (const at of [1, 2]) {
        assert.equal(delivered[at]!.previous, delivered[at - 1]!.offset);
        assert.ok(delivered[at]!.offset > delivered[at - 1]!.offset);
      }
    },
  );

  rule("an event is delivered as it was published", async ({ realtime }) => {
    await realtime.connect(socketFor(SEVEN));
    const plain = eventFor(SEVEN);
    const full = eventFor(SEVEN, {
      clients: ["mail", "a, b", "Telefon 📱"],
      args: '"ox:mail:new",{"subject":"Grüße 🔔 \\"\\n\\u0000","n":[1,null,true]}',
      except: 'some "connection"\nof a client',
    });
    await realtime.publish(plain, full);
    for (
      const [at, { offset, previous, ...event }] of (await realtime.untilDelivered(2)).entries()
    ) {
      assert.deepEqual(event, [plain, full][at]);
      assert.ok(offset > previous);
    }
    const { events } = await realtime.hub.readMissed(SEVEN, realtime.delivered[0]!.previous);
    assert.deepEqual(events, realtime.delivered);
  });

  rule("each user has a log of their own", async ({ realtime }) => {
    const [seven, eight] = [
      await realtime.connect(socketFor(SEVEN)),
      await realtime.connect(socketFor(EIGHT)),
    ];
    const events = [eventFor(SEVEN), eventFor(EIGHT), eventFor(SEVEN), eventFor(EIGHT)];
    await realtime.publish(...events);
    await realtime.untilDelivered(4);
    const [ofSeven, ofEight] = [
      await realtime.hub.readMissed(SEVEN, seven.last),
      await realtime.hub.readMissed(EIGHT, eight.last),
    ];
    assert.deepEqual(idsOf(ofSeven), [events[0]!.id, events[2]!.id]);
    assert.deepEqual(idsOf(ofEight), [events[1]!.id, events[3]!.id]);
    assert.equal(ofEight.events[1]!.previous, ofEight.events[0]!.offset);
  });

  rule("an unknown user has no presence", async ({ realtime }) => {
    assert.deepEqual(await realtime.hub.presence([SEVEN, EIGHT]), [[], []]);
    assert.deepEqual(await realtime.hub.presence([]), []);
  });

  rule(
    "presence lists open sockets, in the order of the users in the request",
    async ({ realtime }) => {
      const sockets = [
        socketFor(SEVEN),
        socketFor(EIGHT, { id: "c", client: "phone" }),
        socketFor(SEVEN),
      ];
      for (const socket of sockets) await realtime.connect(socket);
      const [ofEight, ofSeven] = await realtime.hub.presence([EIGHT, SEVEN]);
      assert.deepEqual(shown(ofEight!), [{ ...labelOf(sockets[1]!), open: true }]);
      assert.deepEqual(shown(ofSeven!), [
        { ...labelOf(sockets[0]!), open: true },
        { ...labelOf(sockets[2]!), open: true },
      ]);
    },
  );

  rule(
    "a closed socket is present during the window, but not open",
    async ({ realtime, under }) => {
      const socket = socketFor(SEVEN);
      await realtime.connect(socket);
      realtime.disconnect(socket, { returns: true });
      assert.deepEqual(shown(await realtime.present(SEVEN)), [{ ...labelOf(socket), open: false }]);
      await under.pass(under.windowMs * 0.7);
      assert.equal((await realtime.present(SEVEN)).length, 1);
      await under.pass(under.windowMs * 0.6);
      assert.deepEqual(await realtime.present(SEVEN), []);
    },
  );

  rule("a client that will not reconnect is not present any more", async ({ realtime }) => {
    const [gone, stays] = [socketFor(SEVEN), socketFor(SEVEN)];
    for (const socket of [gone, stays]) await realtime.connect(socket);
    realtime.disconnect(gone, { returns: false });
    assert.deepEqual(shown(await realtime.present(SEVEN)), [{ ...labelOf(stays), open: true }]);
    realtime.disconnect(stays, { returns: false });
    assert.deepEqual(await realtime.present(SEVEN), []);
  });

  rule(
    "a client that reconnects gets the offset up to which it has everything",
    async ({ realtime }) => {
      const socket = socketFor(SEVEN, { id: "c" });
      await realtime.connect(socket);
      await realtime.publish(eventFor(SEVEN));
      await realtime.untilDelivered(1);
      const acknowledged = realtime.acknowledge(socket);
      const late = eventFor(SEVEN);
      await realtime.publish(late);
      await realtime.untilDelivered(2);
      realtime.disconnect(socket, { returns: true });
      const away = eventFor(SEVEN);
      await realtime.publish(away);
      const back = await realtime.connect(socketFor(SEVEN, { id: "c" }));
      assert.equal(back.acknowledged, acknowledged);
      const missed = await realtime.hub.readMissed(SEVEN, acknowledged);
      assert.deepEqual(idsOf(missed), [late.id, away.id]);
      assert.ok(missed.complete);
      assert.equal(missed.events.at(-1)!.offset, back.last);
      assert.deepEqual(
        (await realtime.present(SEVEN)).map(({ id, open }) => [id, open]),
        [["c", true]],
      );
    },
  );

  rule(
    "only the same id of the same user reconnects, and only within the window",
    async ({ realtime, under }) => {
      const socket = socketFor(SEVEN, { id: "c" });
      await realtime.connect(socket);
      realtime.disconnect(socket, { returns: true });
      assert.equal((await realtime.connect(socketFor(SEVEN, { id: "d" }))).acknowledged, undefined);
      assert.equal((await realtime.connect(socketFor(EIGHT, { id: "c" }))).acknowledged, undefined);
      await under.pass(under.windowMs * 1.3);
      assert.equal((await realtime.connect(socketFor(SEVEN, { id: "c" }))).acknowledged, undefined);
    },
  );

  rule(
    "a client may reconnect before the server notices that its old socket is dead",
    async ({ realtime }) => {
      const old = socketFor(SEVEN, { id: "c" });
      await realtime.connect(old);
      await realtime.publish(eventFor(SEVEN));
      await realtime.untilDelivered(1);
      const upTo = realtime.acknowledge(old);
      const fresh = socketFor(SEVEN, { id: "c" });
      const { acknowledged, last } = await realtime.connect(fresh);
      assert.ok(acknowledged !== undefined && acknowledged <= upTo && acknowledged === last);
      realtime.disconnect(old, { returns: true });
      assert.deepEqual(
        shown((await realtime.present(SEVEN)).filter(({ open }) => open)),
        [{ ...labelOf(fresh), open: true }],
      );
    },
  );

  rule("the log returns the events after an offset", async ({ realtime }) => {
    const { last } = await realtime.connect(socketFor(SEVEN));
    assert.deepEqual(await realtime.hub.readMissed(SEVEN, last), { events: [], complete: true });
    await realtime.publish(eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN));
    const delivered = await realtime.untilDelivered(3);
    assert.deepEqual(await realtime.hub.readMissed(SEVEN, last), {
      events: delivered,
      complete: true,
    });
    const rest = await realtime.hub.readMissed(SEVEN, delivered[1]!.offset);
    assert.deepEqual(rest, { events: [delivered[2]], complete: true });
    const nothing = await realtime.hub.readMissed(SEVEN, delivered[2]!.offset);
    assert.deepEqual(nothing, { events: [], complete: true });
  });

  rule(
    "a socket that joins gets the end of the log",
    async (scene) => {
      const { realtime } = scene;
      await realtime.connect(socketFor(SEVEN));
      await realtime.publish(eventFor(SEVEN), eventFor(SEVEN));
      const delivered = await realtime.untilDelivered(2);
      const { last } = await realtime.connect(socketFor(SEVEN));
      assert.equal(last, delivered[1]!.offset);
    },
  );

  rule("events for a user whose last socket has just closed are logged", async ({ realtime }) => {
    const socket = socketFor(SEVEN);
    const { last } = await realtime.connect(socket);
    realtime.disconnect(socket, { returns: true });
    const event = eventFor(SEVEN);
    await realtime.publish(event);
    await realtime.connect(socketFor(SEVEN));
    const missed = await realtime.hub.readMissed(SEVEN, last);
    assert.deepEqual([idsOf(missed), missed.complete], [[event.id], true]);
  });

  rule("a log that was trimmed is incomplete", async ({ realtime, under }) => {
    const { last } = await realtime.connect(socketFor(SEVEN));
    for (let n = 0; n < under.maxEventsPerUser + 3; n++) await realtime.publish(eventFor(SEVEN));
    const delivered = await realtime.untilDelivered(under.maxEventsPerUser + 3);
    const missed = await realtime.hub.readMissed(SEVEN, last);
    assert.deepEqual(missed, { events: delivered.slice(3), complete: false });
    const { previous } = missed.events[0]!;
    assert.ok((await realtime.hub.readMissed(SEVEN, previous)).complete);
  });

  windowRules(rule);

  rule("a read from an offset that was never assigned is incomplete", async ({ realtime }) => {
    const { last } = await realtime.connect(socketFor(SEVEN));
    assert.equal((await realtime.hub.readMissed(SEVEN, last + 1e9)).complete, false);
    await realtime.publish(eventFor(SEVEN));
    const [event] = await realtime.untilDelivered(1);
    assert.equal((await realtime.hub.readMissed(SEVEN, event!.offset + 1e9)).complete, false);
    assert.equal((await realtime.hub.readMissed(EIGHT, event!.offset)).complete, false);
  });

  rule(
    "an event that is published again keeps its offset and is delivered again",
    async ({ realtime }) => {
      const { last } = await realtime.connect(socketFor(SEVEN));
      const [first, second, third] = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
      await realtime.publish(first!, second!);
      await realtime.untilDelivered(2);
      const lost = await realtime.hub.publish([first!, third!], { isRepeat: true });
      assert.equal(lost.size, 0);
      const delivered = await realtime.untilDelivered(4);
      assert.deepEqual(delivered[2], delivered[0]);
      const missed = await realtime.hub.readMissed(SEVEN, last);
      assert.deepEqual(idsOf(missed), [first!.id, second!.id, third!.id]);
      assert.equal(delivered[3]!.previous, delivered[1]!.offset);
    },
  );

  if (survives) survivalRules(rule);
}
