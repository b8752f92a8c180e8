/**
 * Several services over one Deno KV handle, as isolates of Deno Deploy share the platform's: what
 * crosses from one to another, and what does not (docs/deploy.md says the same).
 */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { createEmbeddedBackend } from "../../service/embedded_backend.ts";
import { KvStore } from "../../store/mod.ts";
import { listen } from "../support/listener.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const DELAY = "com.openexchange.pns.delayDuration";

async function startIsolates(count: number, properties: Record<string, number> = {}) {
  const kv = await Deno.openKv(":memory:");
  const opened = new AsyncDisposableStack();
  opened.defer(() => kv.close());
  const isolates: TestService[] = [];
  for (let n = 0; n < count; n++) {
    const store = new KvStore(kv, {
      ...{ clock: systemClock, random: Math.random, name: "the KV of the test" },
      ...{ durable: true, shared: true },
    });
    const backend = createEmbeddedBackend(store, { owned: false });
    isolates.push(opened.use(await startTestService({ backend, properties })));
  }
  return Object.assign(isolates, { [Symbol.asyncDispose]: () => opened.disposeAsync() });
}

Deno.test("isolates know each other's keys, sessions, subscriptions and records", async () => {
  await using isolates = await startIsolates(2);
  const [a, b] = isolates as unknown as [TestService, TestService];
  const key = await a.mintKey("publish", "read");
  await until(
    "the key is known to the other one",
    async () => (await b.call("GET", "/v1/dead-letters", { key })).status !== 401,
  );
  using listener = await listen(b.host, { session: await a.mint() });
  const id = await b.publish();
  await listener.received(1);
  await b.settled(id);
  await until("the record can be read from the other one", async () => {
    const { status, body } = await a.call("GET", `/v1/notifications/${id}`);
    return status === 200 && body.state === "delivered";
  });
});

Deno.test("a session that one isolate revokes ends at the other", async () => {
  await using isolates = await startIsolates(2);
  const [a, b] = isolates as unknown as [TestService, TestService];
  const { id, token } = await a.mintSession();
  using listener = await listen(b.host, { session: token });
  assert.equal((await a.call("DELETE", `/v1/sessions/${id}`)).status, 204);
  await listener.closed;
  assert.deepEqual(listener.events, [["session:invalid"]]);
});

Deno.test("what an isolate had accepted when it stopped is delivered by another", async () => {
  await using isolates = await startIsolates(2, { [DELAY]: 2_000 });
  const [a, b] = isolates as unknown as [TestService, TestService];
  using listener = await listen(b.host, { session: await b.mint() });
  const id = await a.publish();
  await a.stop();
  await listener.received(1);
  assert.equal((await b.settled(id)).state, "delivered");
});

Deno.test("an event reaches the sockets of the isolate that delivers it, and no others", async () => {
  await using isolates = await startIsolates(2);
  const [a, b] = isolates as unknown as [TestService, TestService];
  using listener = await listen(b.host, { session: await b.mint() });
  assert.equal((await a.settled(await a.publish())).reason, "no_subscription");
  await b.publish();
  await listener.received(1);
  assert.equal(listener.events.length, 1);
});
