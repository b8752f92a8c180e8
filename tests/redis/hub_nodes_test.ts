import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import type { UserName } from "../../core/events.ts";
import { channelKey } from "../../redis/nodes/node_channel.ts";
import { claimsKey, partitionOf, PARTITIONS, segmentsKey } from "../../redis/keys.ts";
import { EIGHT, eventFor, labelOf, SEVEN, shown, socketFor } from "../contract/events_contract.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { startRedisCluster } from "../support/redis_topologies.ts";
import { until } from "../support/until.ts";
import { isUnavailable, type PlaceOptions, withPlaces } from "./_hubs.ts";

const redis = sharedRedis();

/** Runs a test on a few nodes and an empty Redis. */
async function withNodes(
  nodes: readonly PlaceOptions[],
  body: Parameters<typeof withPlaces>[1],
): Promise<void> {
  await redis().flush();
  await withPlaces({ url: redis().url, nodes }, body);
}

redisTest("an event reaches exactly the nodes that hold sockets of its user", async () => {
  await withNodes([{}, {}, {}], async ([here, there, elsewhere]) => {
    await here!.realtime.connect(socketFor(SEVEN));
    await there!.realtime.connect(socketFor(SEVEN));
    await there!.realtime.connect(socketFor(EIGHT));
    await elsewhere!.realtime.connect(socketFor({ context: "1", user: "9" }));
    const [seven, eight] = [eventFor(SEVEN), eventFor(EIGHT)];
    await here!.realtime.publish(seven, eight);
    const delivered = await there!.realtime.untilDelivered(2);
    assert.deepEqual(delivered.map(({ id }) => id).sort(), [seven.id, eight.id].sort());
    assert.deepEqual((await here!.realtime.untilDelivered(1))[0]!.id, seven.id);
    assert.equal(elsewhere!.realtime.delivered.length, 0);
    assert.equal(await redis().cli("exists", channelKey(elsewhere!.id)), "0");
  });
});

redisTest("a node without sockets publishes to the sockets of other nodes", async () => {
  await withNodes([{}, {}], async ([here, there]) => {
    const { last } = await there!.realtime.connect(socketFor(SEVEN));
    const event = eventFor(SEVEN, {
      clients: ["mail", "ü"],
      except: 'a "source"\n',
      collapseKey: '"1"\n',
      args: '1,\n"é"',
    });
    await here!.realtime.publish(event);
    const [delivered] = await there!.realtime.untilDelivered(1);
    const { offset, previous, ...rest } = delivered!;
    // In JSON a line break between the arguments means as much as a space.
    assert.deepEqual(rest, { ...event, args: '1, "é"' });
    assert.ok(previous <= last && last < offset);
    assert.equal(here!.realtime.delivered.length, 0);
  });
});

redisTest("every node sees a socket with its ids", async () => {
  await withNodes([{}, {}], async ([here, there]) => {
    const socket = socketFor(SEVEN, { id: "some connection", client: "Telefon 📱" });
    await there!.realtime.connect(socket);
    assert.deepEqual(shown(await here!.realtime.present(SEVEN)), [{
      ...labelOf(socket),
      open: true,
    }]);
  });
});

redisTest(
  "sockets of a killed node count as closed, and their clients resume at another node",
  async () => {
    await withNodes([{}, {}], async ([here, there]) => {
      const socket = socketFor(SEVEN, { id: "c" });
      const { last } = await there!.realtime.connect(socket);
      await here!.realtime.publish(eventFor(SEVEN));
      const [before] = await there!.realtime.untilDelivered(1);
      await there!.kill();
      assert.deepEqual(shown(await here!.realtime.present(SEVEN)), [{
        ...labelOf(socket),
        open: false,
      }]);
      const event = eventFor(SEVEN);
      await here!.realtime.publish(event);
      const { acknowledged } = await here!.realtime.connect(socketFor(SEVEN, { id: "c" }));
      assert.equal(acknowledged, last);
      const { events, complete } = await here!.hub.readMissed(SEVEN, acknowledged!);
      assert.deepEqual([events.map(({ id }) => id), complete], [[before!.id, event.id], true]);
      assert.deepEqual((await here!.realtime.present(SEVEN)).map(({ open }) => open), [true]);
    });
  },
);

redisTest("a connection that two killed nodes in a row have cut off misses nothing", async () => {
  await withNodes([{}, {}, {}], async ([first, second, third]) => {
    const { last } = await first!.realtime.connect(socketFor(SEVEN, { id: "c" }));
    await first!.realtime.publish(eventFor(SEVEN));
    await first!.kill();
    assert.equal(
      (await second!.realtime.connect(socketFor(SEVEN, { id: "c" }))).acknowledged,
      last,
    );
    await second!.kill();
    const { acknowledged } = await third!.realtime.connect(socketFor(SEVEN, { id: "c" }));
    assert.equal(acknowledged, last);
    const { events, complete } = await third!.hub.readMissed(SEVEN, acknowledged!);
    assert.deepEqual([events.length, complete], [1, true]);
  });
});

redisTest(
  "a delayed handshake does not replace a socket that opened later",
  async () => {
    await withNodes([{}, {}, {}], async ([paused, there, elsewhere]) => {
      const open = socketFor(SEVEN, { id: "c" });
      await there!.realtime.connect(open);
      const late = socketFor(SEVEN, { id: "c" });
      await paused!.realtime.connect(late);
      const [both, one] = [eventFor(SEVEN), eventFor(SEVEN)];
      await elsewhere!.realtime.publish(both);
      await paused!.realtime.untilDelivered(1);
      // Its client has gone.
      paused!.realtime.disconnect(late, { returns: true });
      await until("its disconnect is written", async () => {
        return (await elsewhere!.realtime.present(SEVEN)).some(({ open }) => !open);
      });
      await elsewhere!.realtime.publish(one);
      const delivered = await there!.realtime.untilDelivered(2);
      assert.deepEqual(delivered.map(({ id }) => id), [both.id, one.id]);
      assert.equal(paused!.realtime.delivered.length, 1);
      there!.realtime.acknowledge(open);
      there!.realtime.disconnect(open, { returns: true });
      const { acknowledged } = await elsewhere!.realtime.connect(socketFor(SEVEN, { id: "c" }));
      assert.equal(acknowledged, delivered[1]!.offset);
    });
  },
);

redisTest("only notifications that this node has claimed are appended", async () => {
  await withNodes([{ fenced: true }, {}], async ([here]) => {
    const { last } = await here!.realtime.connect(socketFor(SEVEN));
    const claims = claimsKey(partitionOf(SEVEN.context, SEVEN.user));
    const [own, settled, foreign] = [eventFor(SEVEN), eventFor(SEVEN), eventFor(SEVEN)];
    await redis().cli("hset", claims, own!.id, here!.id, foreign!.id, "another node");
    const lost = await here!.hub.publish([settled!, own!, foreign!], { isRepeat: false });
    assert.deepEqual([...lost].sort(), [settled!.id, foreign!.id].sort());
    const refused = await here!.hub.publish([foreign!, own!], { isRepeat: true });
    assert.deepEqual([...refused], [foreign!.id]);
    const { events } = await here!.hub.readMissed(SEVEN, last);
    assert.deepEqual(events.map(({ id }) => id), [own!.id]);
    assert.deepEqual(here!.realtime.delivered.map(({ id }) => id), [own!.id, own!.id]);
  });
});

redisTest(
  "an event of a segment is appended where the node holds the segment, or the event",
  async () => {
    const segments = new Map<string, string>();
    const fenced = { fenced: true, segmentNameOf: (id: string) => segments.get(id) };
    await withNodes([fenced, {}], async ([here]) => {
      const { last } = await here!.realtime.connect(socketFor(SEVEN));
      const events = Array.from({ length: 7 }, () => eventFor(SEVEN));
      const names = ["own", "own", "foreign", "split", "split", "split"];
      for (const [at, name] of names.entries()) segments.set(events[at]!.id, name);
      const partition = partitionOf(SEVEN.context, SEVEN.user);
      const hset = ["hset", segmentsKey(partition), "own", here!.id, "foreign", "another node"];
      await redis().cli(...hset);
      const claims = [
        events[4]!.id,
        here!.id,
        events[5]!.id,
        "another node",
        events[6]!.id,
        here!.id,
      ];
      await redis().cli("hset", claimsKey(partition), ...claims);
      const lost = await here!.hub.publish(events, { isRepeat: false });
      const ids = events.map(({ id }) => id);
      assert.deepEqual([...lost], [ids[2], ids[3], ids[5]]);
      const found = await here!.hub.readMissed(SEVEN, last);
      assert.deepEqual(found.events.map(({ id }) => id), [ids[0], ids[1], ids[4], ids[6]]);
    });
  },
);

redisTest(
  "an event that could not be sent to other nodes is published again with its offset",
  async () => {
    let isCut = true;
    const cut: PlaceOptions = {
      wrap: (channel) =>
        ({
          on: channel.on.bind(channel),
          onGap: channel.onGap.bind(channel),
          start: channel.start.bind(channel),
          send: (...args: Parameters<typeof channel.send>) =>
            isCut
              ? Promise.reject(new ServiceError("store_unavailable", "Cannot reach it"))
              : channel.send(...args),
        }) as never,
    };
    await withNodes([cut, {}], async ([here, there]) => {
      const { last } = await there!.realtime.connect(socketFor(SEVEN));
      const event = eventFor(SEVEN);
      await assert.rejects(here!.hub.publish([event], { isRepeat: false }), isUnavailable);
      isCut = false;
      await here!.hub.publish([event], { isRepeat: true });
      const delivered = await there!.realtime.untilDelivered(1);
      assert.deepEqual(await here!.hub.readMissed(SEVEN, last), {
        events: delivered,
        complete: true,
      });
    });
  },
);

redisTest("events to another node share the next message while one is under way", async () => {
  const bodies: string[] = [];
  let goOn = () => {};
  const counted: PlaceOptions = {
    wrap: (channel) =>
      ({
        on: channel.on.bind(channel),
        onGap: channel.onGap.bind(channel),
        start: channel.start.bind(channel),
        send: async (...args: Parameters<typeof channel.send>) => {
          bodies.push(args[2]);
          if (bodies.length === 1) await new Promise<void>((resolve) => goOn = resolve);
          await channel.send(...args);
        },
      }) as never,
  };
  await withNodes([counted, {}], async ([here, there]) => {
    await there!.realtime.connect(socketFor(SEVEN));
    const events = Array.from({ length: 4 }, () => eventFor(SEVEN));
    const publish = (event: typeof events[0]) => here!.hub.publish([event], { isRepeat: false });
    const first = publish(events[0]!);
    await until("a message is under way", () => bodies.length === 1);
    const rest = Promise.all(events.slice(1).map(publish));
    await until("the others are logged", async () => {
      return (await here!.hub.readMissed(SEVEN, 0)).events.length === 4;
    });
    goOn();
    await Promise.all([first, rest]);
    const delivered = await there!.realtime.untilDelivered(4);
    assert.deepEqual(delivered.map(({ id }) => id), events.map(({ id }) => id));
    assert.deepEqual(bodies.map((body) => body.split("\n").length / 2), [1, 3]);
  });
});

redisTest(
  "sockets of a stopped node resume elsewhere from their acknowledged offsets",
  async () => {
    await withNodes([{}, {}], async ([here, there]) => {
      const sockets = Array.from(
        { length: 300 },
        (_, n) => socketFor({ context: "1", user: `u${n}` }),
      );
      for (const socket of sockets) await there!.realtime.connect(socket);
      await there!.hub.stop();
      const present = (await here!.hub.presence(sockets)).flat();
      assert.deepEqual(new Set(present.map(({ open }) => open)), new Set([false]));
      assert.equal(present.length, sockets.length);
    });
  },
);

redisTest("many sockets of a user that join at the same time are all recorded", async () => {
  await withNodes([{}, {}], async ([here, there]) => {
    await Promise.all(Array.from({ length: 24 }, (_, n) => {
      const { realtime } = (n % 2 === 0 ? here : there)!;
      return realtime.connect(socketFor(SEVEN));
    }));
    assert.equal((await here!.realtime.present(SEVEN)).filter(({ open }) => open).length, 24);
  });
});

redisTest("hubs work with all masters of a Cluster", async () => {
  await using cluster = await startRedisCluster(3);
  await withPlaces({ url: cluster.url, nodes: [{}, {}] }, async ([here, there]) => {
    const users: UserName[] = Array.from(
      { length: 40 },
      (_, n) => ({ context: "1", user: `u${n}` }),
    );
    assert.ok(
      new Set(users.map((each) => partitionOf(each.context, each.user))).size > PARTITIONS / 4,
    );
    for (const user of users) await there!.realtime.connect(socketFor(user));
    const events = users.map((user) => eventFor(user));
    assert.equal((await here!.hub.publish(events, { isRepeat: false })).size, 0);
    const delivered = await there!.realtime.untilDelivered(users.length);
    assert.deepEqual(delivered.map(({ id }) => id).sort(), events.map(({ id }) => id).sort());
    const present = await here!.hub.presence(users);
    assert.ok(present.every((each) => each.length === 1 && each[0]!.open));
    const missed = await here!.hub.readMissed(users[0]!, delivered[0]!.previous);
    assert.deepEqual([missed.events.length, missed.complete], [1, true]);
    await there!.hub.stop();
    const left = await here!.hub.presence(users);
    assert.ok(left.every((each) => each.length === 1 && !each[0]!.open));
  });
});

redisTest("a socket that closes while it joins does not stay recorded", async () => {
  await withNodes([{}, {}], async ([here, there]) => {
    const former = socketFor(SEVEN, { id: "c" });
    await there!.realtime.connect(former);
    // The user has a state, so joining takes more than one call.
    const late = socketFor(SEVEN, { id: "c" });
    const joining = here!.realtime.connect(late);
    here!.realtime.disconnect(here!.realtime.sockets()[0]!, { returns: true });
    await joining;
    const present = await until("the disconnect is written after the join", async () => {
      const all = await here!.realtime.present(SEVEN);
      return all.some(({ open }) => !open) && all;
    });
    assert.deepEqual(
      shown(present),
      shown([
        { ...labelOf(former), open: true },
        { ...labelOf(late), open: false },
      ]),
    );
  });
});
