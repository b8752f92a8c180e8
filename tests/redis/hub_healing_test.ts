import assert from "node:assert/strict";
import { channelKey } from "../../redis/nodes/node_channel.ts";
import { EIGHT, eventFor, labelOf, SEVEN, shown, socketFor } from "../contract/events_contract.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { redisTest, sharedRedis, startRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { isUnavailable, type PlaceOptions, withPlaces } from "./_hubs.ts";

const redis = sharedRedis();
/** A scheduled sweep starts within the first time, and none before the second. */
const [ROUND_MS, LONG_MS] = [90_000, 30_000];

/** A clock of the servers by which every published event is old enough to count as missed. */
function later(): number {
  return Date.now() + 5_000;
}

/** Breaks the connections on which nodes wait for messages. */
async function killReaders(count: number): Promise<void> {
  await until("all channels are being read", async () => {
    const clients = (await redis().cli("client", "list")).split("\n");
    const readers = clients.filter((line) => line.includes("cmd=xread"));
    if (readers.length < count) return false;
    for (const line of readers) await redis().cli("client", "kill", "id", line.match(/\d+/)![0]);
    return true;
  });
}

/** Runs a test on a few nodes and an empty Redis. */
async function withNodes(
  nodes: readonly PlaceOptions[],
  body: Parameters<typeof withPlaces>[1],
): Promise<void> {
  await redis().flush();
  await withPlaces({ url: redis().url, nodes }, body);
}

redisTest("sockets recover a message that the channel has lost", async () => {
  const clock = new FakeClock();
  const channelClock = new FakeClock();
  await withNodes([{}, { clock, channelClock, now: later }], async ([here, there]) => {
    await there!.realtime.connect(socketFor(SEVEN));
    await there!.realtime.connect(socketFor(EIGHT));
    await killReaders(2);
    await until("the reader waits before it tries again", () => channelClock.timers > 0);
    await here!.realtime.publish(eventFor(SEVEN), eventFor(EIGHT));
    await here!.realtime.publish(eventFor(EIGHT));
    await redis().cli("xtrim", channelKey(there!.id), "maxlen", 1);
    const trimmed = there!.realtime.delivered.length;
    await until("sockets that missed something read the log", async () => {
      await channelClock.advance(1_000);
      await clock.advance(1_000);
      return there!.realtime.recovered.some(({ user }) => user === SEVEN.user);
    });
    assert.ok(clock.monotonic() < LONG_MS, "without a scheduled sweep");
    assert.equal(trimmed, 0);
    assert.deepEqual(there!.realtime.delivered.map(({ user }) => user).includes(SEVEN.user), false);
  });
});

redisTest("messages sent while the channel could not be read arrive afterwards", async () => {
  await withNodes([{}, {}], async ([here, there]) => {
    await there!.realtime.connect(socketFor(SEVEN));
    for (let n = 1; n <= 20; n++) {
      if (n % 10 === 5) await killReaders(1);
      await here!.realtime.publish(eventFor(SEVEN));
    }
    const delivered = await there!.realtime.untilDelivered(20);
    for (const [at, { previous }] of delivered.slice(1).entries()) {
      assert.equal(previous, delivered[at]!.offset);
    }
  });
});

redisTest("a last event that never arrived is found without any sign of it", async () => {
  const clock = new FakeClock();
  const deaf: PlaceOptions = {
    wrap: (channel) =>
      ({ ...channel, on() {}, onGap() {}, start() {}, send: channel.send.bind(channel) }) as never,
  };
  await withNodes([{}, { ...deaf, clock, now: later }], async ([here, there]) => {
    await there!.realtime.connect(socketFor(EIGHT));
    await there!.realtime.connect(socketFor(SEVEN));
    await here!.realtime.publish(eventFor(SEVEN));
    await until("it is found", async () => {
      await clock.advance(ROUND_MS);
      return there!.realtime.recovered.length > 0;
    });
    assert.deepEqual(
      there!.realtime.recovered.map(({ context, user }) => ({ context, user })),
      there!.realtime.recovered.map(() => SEVEN),
    );
  });
});

redisTest("a node that was considered dead receives events again when it returns", async () => {
  const clock = new FakeClock();
  await withNodes([{}, { clock, now: later }], async ([here, there], register) => {
    const socket = socketFor(SEVEN);
    await there!.realtime.connect(socket);
    register.bury(there!.id);
    assert.deepEqual((await here!.realtime.present(SEVEN)).map(({ open }) => open), [false]);
    await here!.realtime.publish(eventFor(SEVEN));
    register.revive(there!.id);
    await until("it reads what it has missed", async () => {
      await clock.advance(1_000);
      return there!.realtime.recovered.length > 0;
    });
    assert.ok(clock.monotonic() < LONG_MS, "without a scheduled sweep");
    assert.equal(there!.realtime.delivered.length, 0);
    await here!.realtime.publish(eventFor(SEVEN));
    await there!.realtime.untilDelivered(1);
    assert.deepEqual(shown(await here!.realtime.present(SEVEN)), [{
      ...labelOf(socket),
      open: true,
    }]);
  });
});

redisTest(
  "sockets are registered again after a flush of Redis, and old offsets do not count",
  async () => {
    const clock = new FakeClock();
    await withNodes([{}, { clock, now: later }], async ([here, there], register) => {
      const socket = socketFor(SEVEN, { id: "c" });
      await there!.realtime.connect(socket);
      await here!.realtime.publish(eventFor(SEVEN));
      const [event] = await there!.realtime.untilDelivered(1);
      await redis().flush();
      assert.deepEqual(await here!.realtime.present(SEVEN), []);
      assert.equal((await here!.hub.readMissed(SEVEN, event!.offset)).complete, false);
      register.revive(there!.id);
      await until("the socket is registered", async () => {
        await clock.advance(1_000);
        return (await here!.realtime.present(SEVEN)).length > 0;
      });
      assert.deepEqual(shown(await here!.realtime.present(SEVEN)), [{
        ...labelOf(socket),
        open: true,
      }]);
      assert.equal((await here!.hub.readMissed(SEVEN, event!.offset)).complete, false);
      await until("the socket learns of it", async () => {
        await clock.advance(10_000);
        return there!.realtime.recovered.length > 0;
      });
      for (let n = 0; n < 5; n++) {
        await clock.advance(ROUND_MS);
        // Its answer comes after those that the sweep waits for.
        await there!.realtime.present(SEVEN);
      }
      assert.equal(there!.realtime.recovered.length, 1);
      await here!.realtime.publish(eventFor(SEVEN));
      const [, next] = await there!.realtime.untilDelivered(2);
      assert.ok(next!.previous > event!.offset, "a gap that cannot be healed");
    });
  },
);

redisTest("an event for a socket that a flushed Redis does not know shows a gap", async () => {
  await withNodes([{}], async ([here]) => {
    await here!.realtime.connect(socketFor(SEVEN));
    await here!.realtime.publish(eventFor(SEVEN));
    await redis().flush();
    await here!.realtime.publish(eventFor(SEVEN));
    const [before, after] = await here!.realtime.untilDelivered(2);
    assert.ok(after!.previous > before!.offset);
    assert.equal((await here!.hub.readMissed(SEVEN, before!.offset)).complete, false);
  });
});

redisTest(
  "a socket is registered again beside one of the same connection at another node",
  async () => {
    const clock = new FakeClock();
    await withNodes([{}, { clock, now: later }], async ([here, there], register) => {
      const [former, fresh] = [socketFor(SEVEN, { id: "c" }), socketFor(SEVEN, { id: "c" })];
      await there!.realtime.connect(former);
      register.bury(there!.id);
      await here!.realtime.connect(fresh);
      register.revive(there!.id);
      const [first, second] = [fresh, former].map((socket) => ({ ...labelOf(socket), open: true }));
      assert.deepEqual(shown(await here!.realtime.present(SEVEN)), [first]);
      await until("it is registered", async () => {
        await clock.advance(ROUND_MS);
        return (await here!.realtime.present(SEVEN)).length === 2;
      });
      assert.deepEqual(shown(await here!.realtime.present(SEVEN)), shown([first!, second!]));
    });
  },
);

redisTest("hubs go on when a killed Redis is back", async () => {
  await using server = await startRedis({
    appendonly: true,
    config: ["appendfsync always"],
  });
  await withPlaces({ url: server.url, nodes: [{}, {}] }, async ([here, there]) => {
    const leaver = socketFor(SEVEN, { id: "c" });
    const { last } = await there!.realtime.connect(leaver);
    await there!.realtime.connect(socketFor(SEVEN));
    await here!.realtime.publish(eventFor(SEVEN));
    await there!.realtime.untilDelivered(1);
    await server.kill();
    const late = eventFor(SEVEN);
    await until("the outage is noticed", () => !here!.link.isUp && !there!.link.isUp);
    await assert.rejects(here!.hub.publish([late], { isRepeat: false }), isUnavailable);
    await assert.rejects(async () => await here!.hub.join(socketFor(SEVEN)), isUnavailable);
    await assert.rejects(async () => await here!.hub.presence([SEVEN]), isUnavailable);
    await assert.rejects(async () => await here!.hub.readMissed(SEVEN, last), isUnavailable);
    there!.realtime.disconnect(leaver, { returns: true });
    await server.start();
    await until("it answers", () => here!.link.isUp && there!.link.isUp);
    await here!.hub.publish([late], { isRepeat: true });
    const delivered = await there!.realtime.untilDelivered(2);
    assert.equal(delivered[1]!.previous, delivered[0]!.offset);
    await until(
      "the disconnect is written",
      async () => (await here!.realtime.present(SEVEN)).filter(({ open }) => open).length === 1,
    );
    assert.equal((await here!.realtime.connect(socketFor(SEVEN, { id: "c" }))).acknowledged, last);
    assert.deepEqual(await here!.hub.readMissed(SEVEN, last), {
      events: delivered,
      complete: true,
    });
  });
});

redisTest("a node knows its own sockets while a flushed Redis does not", async () => {
  await withNodes([{}], async ([here]) => {
    await here!.realtime.connect(socketFor(SEVEN));
    await redis().flush();
    const [present] = await here!.realtime.hub.presence([SEVEN]);
    assert.deepEqual(present?.map(({ open }) => open), [true]);
  });
});
