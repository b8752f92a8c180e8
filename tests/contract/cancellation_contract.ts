/** Cancellations, and notifications to many at local times, as one suite over every store. */

import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import type { TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { CLIENTS, iPhone, type Providers, startProviders } from "../flow/_providers.ts";
import { openSocket, PATH, type PublishingSuite, pushes, record, soon } from "./_publishing.ts";

const { user: _, ...TO_MANY } = NEW_MAIL;
/** The zones in which a day begins first, and last. */
const FIRST = "Pacific/Kiritimati";
const LAST = "Etc/GMT+12";

interface Counts {
  readonly state: string;
  readonly deliverAt?: string;
  readonly users?: { readonly count: number; readonly states: Record<string, number> };
}

async function publish(service: TestService, fields: object): Promise<string> {
  const { status, body } = await service.call("POST", PATH, { body: { ...TO_MANY, ...fields } });
  assert.equal(status, 202, JSON.stringify(body));
  return body.ids[0];
}

async function subscribe(service: TestService, users: readonly string[]): Promise<void> {
  for (const [n, user] of users.entries()) {
    const token = iPhone(n);
    await service.subscribe({ user, client: CLIENTS.apn, transport: "apn", token });
  }
}

/** Waits until the counts of a notification to many are these. */
async function reaches(
  service: TestService,
  id: string,
  wanted: { readonly count: number; readonly states: Record<string, number> },
): Promise<Counts> {
  let seen: unknown;
  try {
    return await until("the counts are complete", async () => {
      const found = await record(service, id) as unknown as Counts;
      seen = found.users;
      return JSON.stringify(found.users) === JSON.stringify(wanted) && found;
    });
  } catch (thrown) {
    assert.deepEqual(seen, wanted);
    throw thrown;
  }
}

/** A minute on the clocks of Greenwich. */
function minuteNow(): string {
  return new Date().toISOString().slice(0, 16);
}

/** Registers the suite. */
export function testCancellation(name: string, { test, store }: PublishingSuite): void {
  const each = (
    sentence: string,
    properties: Readonly<Record<string, string | number>>,
    run: (providers: Providers) => Promise<void>,
  ) =>
    test(`${name}: ${sentence}`, async () => {
      await using providers = await startProviders({ store: await store(), properties });
      await run(providers);
    });
  const waiting = { "com.openexchange.pns.delayDuration": 3_600_000 };

  each("what waits for its delay is cancelled, and nothing of it is sent", waiting, async (all) => {
    const { service } = all;
    await subscribe(service, ["3"]);
    const id = await service.publish();
    const { status, body } = await service.call("DELETE", `${PATH}/${id}`);
    assert.deepEqual([status, body.state, body.targets], [200, "cancelled", []]);
    assert.equal((await record(service, id)).state, "cancelled");
    const again = await service.call("DELETE", `${PATH}/${id}`);
    assert.deepEqual([again.status, again.body.state], [200, "cancelled"]);
    const other = await service.publish();
    const dismissed = await service.call("POST", `${PATH}/${other}/dismiss`);
    assert.deepEqual([dismissed.status, dismissed.body], [202, { cancelled: 1 }]);
    const { text } = await service.call("GET", "/metrics");
    assert.match(text, /^carillon_notifications_in_flight 0$/m);
    assert.match(text, /^carillon_notifications_settled_total\{state="cancelled"\} 2$/m);
    assert.equal(pushes(all).length, 0);
  });

  each("many users that wait for their delay are cancelled as one", waiting, async (all) => {
    const { service } = all;
    const users = Array.from({ length: 450 }, (_, n) => `u${n}`);
    const id = await publish(service, { users });
    await until("they wait", async () => (await record(service, id)).users?.count === 450);
    const { status, body } = await service.call("DELETE", `${PATH}/${id}`);
    assert.equal(status, 200);
    assert.ok(["cancelled", "in_flight"].includes(body.state));
    const ended = await reaches(service, id, { count: 450, states: { cancelled: 450 } });
    assert.equal(ended.state, "cancelled");
    const page = await service.call("GET", `${PATH}/${id}/users`);
    assert.ok(page.body.items.every((one: { state: string }) => one.state === "cancelled"));
    await until("nothing is in flight", async () => {
      const { text } = await service.call("GET", "/metrics");
      return /^carillon_notifications_in_flight 0$/m.test(text);
    });
    assert.equal(pushes(all).length, 0);
  });

  each(
    "of many, phones that wait for a socket are cancelled, and what was sent stays",
    {},
    async (all) => {
      const { service } = all;
      await subscribe(service, ["3", "4"]);
      using _socket = await openSocket(service);
      const id = await publish(service, { users: ["3", "4"], escalate: { after: 3600 } });
      await until("one is sent and one is held", async () => {
        const { body } = await service.call("GET", `${PATH}/${id}/users`);
        const states = body.items.map((one: { state: string }) => one.state);
        return states.join() === "in_flight,delivered";
      });
      assert.equal((await service.call("DELETE", `${PATH}/${id}`)).status, 200);
      const { body } = await service.call("GET", `${PATH}/${id}/users`);
      assert.deepEqual(
        body.items[0].targets.map((one: Record<string, string>) =>
          `${one["transport"]}=${one["state"]}`
        ).sort(),
        ["apn=cancelled", "websocket=sent"],
      );
      await reaches(service, id, { count: 2, states: { delivered: 2 } });
      assert.equal(pushes(all).length, 1);
    },
  );

  each("each of many is notified by the clock of their own zone", {}, async (all) => {
    const { service } = all;
    const users = ["ahead", "behind", "between"];
    await subscribe(service, users);
    for (const [user, zone] of [["ahead", FIRST], ["behind", LAST]]) {
      const path = `/v1/contexts/1/users/${user}/config`;
      const body = { attributes: { "io.carillon.timeZone": zone } };
      assert.equal((await service.call("PATCH", path, { body })).status, 200);
    }
    // It is over in the first zone, now in Greenwich, and to come in the last one.
    const deliverAt = { local: minuteNow() };
    const id = await publish(service, { users, deliverAt, collapseKey: "k" });
    const states = { delivered: 2 };
    const before = await reaches(service, id, { count: 3, states });
    assert.equal(before.state, "in_flight");
    const listed = [];
    for (let cursor = 0; cursor < 3; cursor++) {
      const { body } = await service.call("GET", `${PATH}/${id}/users?cursor=${cursor}`);
      listed.push(...body.items);
    }
    assert.deepEqual(listed.map(({ user, state }) => `${user} ${state}`).sort(), [
      "ahead delivered",
      "behind scheduled",
      "between delivered",
    ]);
    const { deliverAt: due } = listed.find(({ user }) => user === "behind");
    assert.equal(due, `${later(deliverAt.local, 12)}:00.000Z`);

    const { body } = await service.call("DELETE", `${PATH}/${id}`);
    assert.deepEqual([body.state, body.users], ["delivered", {
      count: 3,
      states: { ...states, cancelled: 1 },
    }]);
    const { body: gone } = await service.call("POST", `${PATH}/${id}/dismiss`);
    await reaches(service, gone.id, { count: 2, states: { delivered: 2 } });
    const dismissed = pushes(all).map(({ payload }) => (payload as { dismiss?: string }).dismiss);
    assert.deepEqual(dismissed, [undefined, undefined, "k", "k"]);
  });

  each(
    "a group is notified at its local times, or at one in a zone that is named",
    {},
    async (all) => {
      const { service } = all;
      const users = Array.from({ length: 450 }, (_, n) => `m${n}`);
      await subscribe(service, ["m7"]);
      const path = "/v1/groups/1/sales/members";
      assert.equal((await service.call("POST", path, { body: { users } })).status, 204);
      const audience = { kind: "group", group: "sales" };
      const at = { local: later(minuteNow(), 1) };
      const waits = await publish(service, { audience, deliverAt: at });
      const found = await reaches(service, waits, { count: 450, states: {} });
      assert.deepEqual([found.state, found.deliverAt], ["scheduled", `${at.local}:00.000Z`]);
      const { body } = await service.call("DELETE", `${PATH}/${waits}`);
      assert.deepEqual([body.state, body.users.states], ["cancelled", { cancelled: 450 }]);
      const timeZone = "Asia/Tokyo";
      const zoned = await publish(service, {
        ...{ audience, deliverAt: { local: later(minuteNow(), 10), timeZone } },
      });
      assert.equal((await record(service, zoned)).state, "scheduled");
      const nobody = { audience: { kind: "group", group: "none" }, deliverAt: at };
      await reaches(service, await publish(service, nobody), { count: 0, states: {} });
      assert.equal(pushes(all).length, 0);
    },
  );

  each(
    "a local time that is over for all, or too far for any, is refused",
    {},
    async ({ service }) => {
      const users = ["a"];
      for (
        const deliverAt of [
          { local: later(minuteNow(), -13) },
          { local: later(minuteNow(), 30 * 24) },
          { local: "08:00", timeZone: "Mars/Olympus" },
          { local: "2026-02-30T08:00" },
          { local: "24:01" },
          soon(-1),
        ]
      ) {
        const answer = await service.call("POST", PATH, { body: { ...TO_MANY, users, deliverAt } });
        assertProblem(answer, "400 invalid_request");
      }
      const { text } = await service.call("GET", "/metrics");
      assert.match(text, /^carillon_notifications_in_flight 0$/m);
    },
  );
}

/** A local minute so many hours later. */
function later(minute: string, hours: number): string {
  return new Date(Date.parse(`${minute}Z`) + hours * 3_600_000).toISOString().slice(0, 16);
}
