/** How every stock client learns that its session has ended, by every transport. */

import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { MatrixClient, TOPIC } from "./_matrix_client.ts";
import { testInEachCell } from "./_stock_matrix.ts";

/** Long enough for all clients to connect on a slow machine. */
const TTL_SECONDS = 5;

testInEachCell("receives session:invalid and is closed when its session expires", async (place) => {
  const { service, user } = place;
  const { token, expires } = await service.mintSession({ user, ttl: TTL_SECONDS });
  using client = new MatrixClient(place, { session: token, connection: "c" });
  await client.ready();
  const publish = () => {
    return service.publish({ user, topic: TOPIC, data: { n: Date.now() } });
  };
  await publish();
  await until("the event arrives", () => client.heard.length === 1);
  const end = Date.parse(expires);
  await until("its session is about to end", () => Date.now() > end - 100);
  while (client.disconnects.length === 0) {
    assert.ok(Date.now() < end + 10_000, "It was not closed");
    await service.settled(await publish());
  }
  await service.settled(await publish());
  assertOver(client);
  // Nothing that was published after the session's end.
  assert.deepEqual(client.heard.filter((at) => at >= end), []);
  await client.refused();
});

testInEachCell(
  "receives session:invalid and is closed when its session is revoked",
  async (place) => {
    const { service, user } = place;
    const { id, token } = await service.mintSession({ user });
    using client = new MatrixClient(place, { session: token, connection: "c" });
    await client.ready();
    await service.publish({ user, topic: TOPIC, data: { n: 1 } });
    await until("the event arrives", () => client.heard.length === 1);
    assert.equal((await service.call("DELETE", `/v1/sessions/${id}`)).status, 204);
    await service.settled(await service.publish({ user, topic: TOPIC, data: { n: 2 } }));
    await until("it is closed", () => client.disconnects.length > 0);
    assertOver(client);
    assert.deepEqual(client.heard, [1]);
    await client.refused();
  },
);

/** It received the reason, and was closed in the way after which no stock client reconnects. */
function assertOver(client: MatrixClient): void {
  assert.equal(client.invalid, 1);
  assert.deepEqual(client.disconnects, ["io server disconnect"]);
}
