/** What every stock client receives, by every transport. */

import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { MatrixClient, openClient, TOPIC } from "./_matrix_client.ts";
import { testInEachCell } from "./_stock_matrix.ts";

/** Sixteen digits, see `core/events.ts`. */
const OFFSET = /^\d{16}$/;

testInEachCell("receives what was published in the form of its version", async (place) => {
  const { cell, service, user } = place;
  using client = await openClient(place);
  const data = { n: 1, id: "113", subject: "Grüße 🔔", folders: ["cal://0/1"], unread: null };
  await service.publish({ user, topic: TOPIC, data });
  await until("the event arrives", () => client.delivered.length > 0);
  const [payload, ...others] = client.delivered[0]!;
  assert.equal(JSON.stringify(payload), JSON.stringify(data));
  if (cell.version.revision === 3) assert.deepEqual(others, []);
  else {
    assert.equal(others.length, 1);
    assert.match(String(others[0]), OFFSET);
  }
});

testInEachCell("does not receive what it caused itself", async (place) => {
  const { service, user } = place;
  using source = await openClient(place, "source");
  using other = await openClient(place, "other");
  for (const [n, sourceToken] of ["source", source.id, undefined].entries()) {
    await service.publish({ user, topic: TOPIC, data: { n }, ...(sourceToken && { sourceToken }) });
  }
  await until("both have received the last event", () => {
    return source.heard.includes(2) && other.heard.includes(2);
  });
  assert.deepEqual(source.heard, [2]);
  assert.deepEqual(other.heard, [0, 1, 2]);
});

testInEachCell("gets a burst whole, in order and without losing its connection", async (place) => {
  const { service, user } = place;
  using client = await openClient(place);
  const numbers = Array.from({ length: 70 }, (_, n) => n);
  const text = "x".repeat(4096);
  await service.publishAll(numbers.map((n) => ({ user, topic: TOPIC, data: { n, text } })));
  await until("it has got all", () => client.delivered.length >= numbers.length);
  assert.deepEqual(client.heard, numbers);
  assert.deepEqual(client.disconnects, []);
  assert.deepEqual(client.resyncs, []);
});

testInEachCell("receives everything in order while it upgrades", async (place) => {
  const { service, user } = place;
  using client = new MatrixClient(place, { session: await service.mint(user), connection: "c" });
  await until("it is connected", () => client.connections.length > 0);
  let last = 0;
  // A few on each transport, and whatever comes in between.
  for (let after = 0; after < 3; after += client.transport === "websocket" ? 1 : 0) {
    await service.publish({ user, topic: TOPIC, data: { n: ++last } });
  }
  await until("it has got the last", () => client.heard.includes(last));
  assert.deepEqual(client.heard, Array.from({ length: last }, (_, n) => n + 1));
  assert.deepEqual(client.disconnects, []);
}, { only: ({ transports }) => transports.length > 1 });
