/** What every stock client receives after a reconnect, by every transport. */

import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { MatrixClient, openClient, TOPIC } from "./_matrix_client.ts";
import { type Place, testInEachCell } from "./_stock_matrix.ts";

/** Publishes one number after the other to the user of a place. */
class Publisher {
  last = 0;
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Publishes the next numbers in one request; their ids. */
  async publish(count: number): Promise<readonly string[]> {
    const { service, user } = this.#place;
    const all = Array.from({ length: count }, () => {
      return { user, topic: TOPIC, data: { n: ++this.last } };
    });
    return await service.publishAll(all);
  }

  /** Publishes until the targets of one are in the expected states. */
  async publishUntil(what: string, is: (targets: readonly string[]) => boolean): Promise<void> {
    await until(what, async () => {
      const [id] = await this.publish(1);
      const { targets } = await this.#place.service.settled(id!);
      return is(targets.map(({ state }) => state));
    });
  }
}

function isKept(targets: readonly string[]): boolean {
  return targets.includes("kept");
}

function isForgotten(targets: readonly string[]): boolean {
  return !targets.includes("kept") && !targets.includes("sent");
}

/**
 * Nothing is missing and all is in order. A client that sends its offset receives everything once;
 * others may receive again what came before they left.
 */
async function assertWhole(
  client: MatrixClient,
  { cell, last, firstMissed }: Pick<Place, "cell"> & {
    readonly last: number;
    readonly firstMissed: number;
  },
): Promise<void> {
  await until("it has got the last", () => client.heard.at(-1) === last);
  const { heard } = client;
  if (cell.version.recovers) {
    assert.deepEqual(heard, upTo(last));
    assert.deepEqual(client.connections.slice(1), client.connections.slice(1).map(() => true));
  } else {
    const before = heard.slice(0, firstMissed - 1);
    const after = heard.slice(firstMissed - 1);
    assert.deepEqual(before, upTo(firstMissed - 1));
    assert.ok(after[0]! <= firstMissed, `${after}`);
    assert.deepEqual(after, upTo(last).slice(after[0]! - 1));
  }
  assert.deepEqual(client.resyncs, []);
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, n) => n + 1);
}

testInEachCell("receives what it missed when it reconnects after a drop", async (place) => {
  const publisher = new Publisher(place);
  using client = await openClient(place);
  await publisher.publish(3);
  await until("it has heard", () => client.heard.length === 3);
  client.drop();
  await publisher.publishUntil("it is missed", isKept);
  await publisher.publish(20);
  client.connect();
  await client.ready();
  await publisher.publish(3);
  await assertWhole(client, { ...place, last: publisher.last, firstMissed: 4 });
});

testInEachCell(
  "misses nothing when it drops again and again, and reconnects by itself",
  async (place) => {
    const { cell, service, user } = place;
    const publisher = new Publisher(place);
    const session = await service.mint(user);
    using client = new MatrixClient(place, { session, connection: "c", returns: true });
    for (let drops = 1; drops <= 5; drops++) {
      await until("it is connected", () => client.connections.length >= drops);
      for (let n = 0; n < 8; n++) {
        await publisher.publish(1);
        // At a different moment each time: while it upgrades, receives, or has just received.
        if (n === drops) client.drop();
      }
    }
    await publisher.publish(1);
    await until("it has got the last", () => client.heard.at(-1) === publisher.last);
    const { heard } = client;
    assert.deepEqual(cell.version.recovers ? heard : [...new Set(heard)], upTo(publisher.last));
    assert.deepEqual(client.resyncs, []);
  },
);

testInEachCell("does not receive again what it has acknowledged", async (place) => {
  const publisher = new Publisher(place);
  using client = await openClient(place);
  await publisher.publish(3);
  await until("it has heard", () => client.heard.length === 3);
  const { heartbeats } = client;
  // The first may have been on its way already; the third comes after the answer to the second.
  await until("it has acknowledged", () => client.heartbeats >= heartbeats + 3);
  client.drop();
  await publisher.publishUntil("it is missed", isKept);
  client.connect();
  await until("it has got the last", () => client.heard.at(-1) === publisher.last);
  assert.deepEqual(client.heard, upTo(publisher.last));
  assert.deepEqual(client.resyncs, []);
}, { properties: { "io.carillon.websocket.pingInterval": 1000 } });

testInEachCell(
  "receives resync when it was away for longer than the window",
  async (place) => {
    const { cell } = place;
    const publisher = new Publisher(place);
    using client = await openClient(place);
    await publisher.publish(1);
    await until("it has heard", () => client.heard.length === 1);
    client.drop();
    await publisher.publishUntil("it is missed", isKept);
    await publisher.publishUntil("it is forgotten", isForgotten);
    client.connect();
    await until("resync arrives", () => client.resyncs.length > 0);
    await publisher.publish(1);
    await until("later events arrive", () => client.heard.includes(publisher.last));
    assert.deepEqual(client.heard, [1, publisher.last]);
    assert.deepEqual(client.resyncs.map((args) => args.length), [
      cell.version.revision === 3 ? 0 : 1,
    ]);
    if (cell.version.recovers) assert.deepEqual(client.connections, [false, false]);
  },
  { properties: { "io.carillon.resume.window": 1000 } },
);

testInEachCell("misses nothing after disconnect() and a later connect()", async (place) => {
  const publisher = new Publisher(place);
  using client = await openClient(place);
  await publisher.publish(1);
  await until("it has heard", () => client.heard.length === 1);
  client.disconnect();
  await publisher.publishUntil("it is missed", isKept);
  client.connect();
  await client.ready();
  await publisher.publish(1);
  await assertWhole(client, { ...place, last: publisher.last, firstMissed: 2 });
});

testInEachCell("misses nothing after disconnect() and connect() in a row", async (place) => {
  const { version } = place.cell;
  const publisher = new Publisher(place);
  using client = await openClient(place);
  await publisher.publish(1);
  await until("it has heard", () => client.heard.length === 1);
  const published = publisher.publish(1);
  client.disconnect();
  if (!version.connectsAtOnce) await until("its engine has closed", () => client.isClosed);
  client.connect();
  await published;
  await publisher.publish(1);
  await client.ready();
  await publisher.publish(1);
  await assertWhole(client, { ...place, last: publisher.last, firstMissed: 2 });
});
