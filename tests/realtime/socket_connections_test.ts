import assert from "node:assert/strict";
import { SocketConnection, SocketConnections } from "../../realtime/_socket_connections.ts";

function connection(
  user: string,
  client: string,
  id: string,
): SocketConnection {
  const rest = {
    context: "1",
    socketId: `s${id}`,
    sessionId: "x",
    expiresAt: Infinity,
    wantsAcknowledgement: false,
  };
  return new SocketConnection({
    ...rest,
    user,
    client,
    id,
    port: undefined as never,
  });
}

Deno.test("the index knows a user's connections, the newest first", () => {
  const index = new SocketConnections();
  const all = ["mail", "mail", "phone"].map((client, at) => connection("7", client, `${at}`));
  for (const each of all) index.add(each);
  assert.deepEqual(index.of({ context: "1", user: "7" }), [...all].reverse());
  assert.ok(index.remove(all[2]!));
  assert.equal(index.first({ context: "1", user: "7" }), all[1]);
  assert.deepEqual(index.of({ context: "1", user: "8" }), []);
});

Deno.test("a connection is removed from any place of its list, and only once", () => {
  for (const order of [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]]) {
    const index = new SocketConnections();
    const all = ["0", "1", "2"].map((id) => connection("7", "mail", id));
    for (const each of all) index.add(each);
    for (const [removed, at] of order.entries()) {
      assert.ok(index.remove(all[at]!));
      assert.ok(!index.remove(all[at]!));
      assert.equal(index.of({ context: "1", user: "7" }).length, 2 - removed);
      assert.ok(!index.of({ context: "1", user: "7" }).includes(all[at]!));
    }
    assert.deepEqual([...index], []);
    assert.equal(index.open.get("mail"), 0);
  }
});
