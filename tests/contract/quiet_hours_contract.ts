/** Quiet hours of a whole service, as one suite over every store. */

import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../core/clock.ts";
import { until } from "../support/until.ts";
import { CLIENTS, iPhone, type Providers, startProviders } from "../flow/_providers.ts";
import { openSocket, type PublishingSuite, pushes, record, states } from "./_publishing.ts";

const QUIET = "io.carillon.quietHours";
const DAY_MS = 86_400_000;
const CONFIG = "/v1/contexts/1/users/3/config";

/** The system clock, set forward so that it now shows four seconds before 07:00 UTC. */
function beforeSeven(): Clock {
  const now = Date.now();
  const ahead = (7 * 3_600_000 - 4_000 - now % DAY_MS + DAY_MS) % DAY_MS;
  return { ...systemClock, now: () => Date.now() + ahead };
}

/** Registers the suite. */
export function testQuietHours(name: string, { test, store }: PublishingSuite): void {
  const each = (
    sentence: string,
    action: string,
    run: (providers: Providers) => Promise<void>,
  ) =>
    test(`${name}: ${sentence}`, async () => {
      await using providers = await startProviders({
        store: await store(),
        clock: beforeSeven(),
        properties: { [`${QUIET}.times`]: "22:00-07:00", [`${QUIET}.action`]: action },
      });
      const { service } = providers;
      await service.subscribe({ client: CLIENTS.apn, transport: "apn", token: iPhone(1) });
      await run(providers);
    });

  each("what quiet hours hold is one digest at their end", "hold", async (all) => {
    const { service } = all;
    using _socket = await openSocket(service);
    const ids = await service.publishAll(
      [1, 2, 3].map((n) => ({ data: { folder: "f", id: String(n) }, receipts: true })),
    );
    await until("they are held", async () => {
      const held = await Promise.all(ids.map((id) => record(service, id)));
      return held.every((one) => states(one) === "in_flight apn=held websocket=sent");
    });
    const { body } = await service.call("GET", "/v1/explain?context=1&user=3&topic=ox:mail:new");
    const [phone] = body.targets.filter((one: { transport: string }) => one.transport === "apn");
    assert.deepEqual([phone.send, phone.held.reason], [true, "quiet hours"]);
    assert.match(phone.held.until, /T07:00:00.000Z$/);
    assert.ok(
      phone.trail.some((step: { key: string; chosen: boolean }) =>
        step.chosen && step.key === `${QUIET}.times`
      ),
    );
    for (const id of ids) {
      assert.equal(states(await service.settled(id)), "delivered apn=sent websocket=sent");
    }
    const [push, ...more] = pushes(all);
    assert.equal(more.length, 0);
    assert.equal((push!.payload as Record<string, unknown>)["count"], 3);
  });

  each("a user's own settings are asked before those of the server", "drop", async (all) => {
    const { service } = all;
    const settings = { [`${QUIET}.times.${CLIENTS.apn}`]: "00:00-00:01" };
    const id = await service.publish();
    assert.equal(states(await service.settled(id)), "suppressed apn=quiet");
    const changed = await service.call("PATCH", CONFIG, { body: { attributes: settings } });
    assert.equal(changed.status, 200, changed.text);
    const later = await service.publish({ data: { folder: "f", id: "2" } });
    assert.equal(states(await service.settled(later)), "delivered apn=sent");
  });

  each(
    "high priority may break through, and what is held can be cancelled",
    "hold",
    async (all) => {
      const { service } = all;
      const attributes = { [`${QUIET}.breakThrough`]: true };
      assert.equal((await service.call("PATCH", CONFIG, { body: { attributes } })).status, 200);
      const held = await service.publish({ priority: "low" });
      const urgent = await service.publish({ priority: "high", data: { folder: "f", id: "2" } });
      assert.equal(states(await service.settled(urgent)), "delivered apn=sent");
      await until(
        "it is held",
        async () => states(await record(service, held)) === "in_flight apn=held",
      );
      const { body } = await service.call("DELETE", `/v1/notifications/${held}`);
      assert.equal(states(body), "cancelled apn=cancelled");
      assert.equal(pushes(all).length, 1);
    },
  );
}
