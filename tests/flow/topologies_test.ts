/** The whole service on a Redis Cluster, and on a Redis behind Sentinel whose master dies. */

import assert from "node:assert/strict";
import { listen } from "../support/listener.ts";
import { redisTest } from "../support/redis_server.ts";
import { startRedisCluster, startRedisSentinel } from "../support/redis_topologies.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

redisTest("two nodes on a Cluster share its load and ring at each other's sockets", async () => {
  await using cluster = await startRedisCluster(3);
  await using a = await startTestService({ store: cluster.url });
  await using b = await startTestService({ store: cluster.url });
  const users = Array.from({ length: 12 }, (_, n) => String(n));
  const listeners = await Promise.all(
    users.map(async (user) => await listen(b.host, { session: await a.mint(user) })),
  );
  const ids = await a.publishAll(users.map((user) => ({ user, data: { user } })));
  for (const [n, listener] of listeners.entries()) {
    assert.deepEqual(await listener.received(1), [["ox:mail:new", { user: users[n] }]]);
    listener.close();
  }
  for (const id of ids) assert.equal((await b.settled(id)).state, "delivered");
  for (const master of cluster.masters) {
    const logs = await master.cli("keys", "carillon:{p*}:log:*");
    assert.notEqual(logs, "", "every master holds some of the users' logs");
  }
});

redisTest("after a failover the service goes on with the new master", async () => {
  await using sentinel = await startRedisSentinel();
  await using node = await startTestService({ store: sentinel.url });
  using listener = await listen(node.host, { session: await node.mint() });
  await node.settled(await node.publish({ data: { n: 1 } }));
  await until("the replica has what the master has", async () => {
    const [master, replica] = [sentinel.master, sentinel.replica];
    return await master.cli("keys", "carillon:*:user:*") ===
      await replica.cli("keys", "carillon:*:user:*");
  });
  await sentinel.master.kill();
  await until("it is ready again", async () => {
    return (await node.call("GET", "/readyz")).status === 200;
  }, 30_000);
  const after = await node.publish({ data: { n: 2 } });
  assert.equal((await node.settled(after)).state, "delivered");
  assert.equal(listener.isOpen, true);
  assert.deepEqual((await listener.received(2)).at(-1), ["ox:mail:new", { n: 2 }]);
});
