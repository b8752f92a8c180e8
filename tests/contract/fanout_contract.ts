/** Notifications to many users of a whole service, as one suite over every store. */

import assert from "node:assert/strict";
import { type Answer, assertProblem, NEW_MAIL } from "../support/api.ts";
import type { TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { CLIENTS, iPhone, type Providers, startProviders } from "../flow/_providers.ts";
import { PATH, type PublishingSuite, pushes, record, soon } from "./_publishing.ts";

const { user: _, ...TO_MANY } = NEW_MAIL;

async function publish(service: TestService, fields: object): Promise<string> {
  const { status, body } = await service.call("POST", PATH, { body: { ...TO_MANY, ...fields } });
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(body.ids.length, 1);
  return body.ids[0];
}

/** Waits until all users have an outcome; the counts. */
function ended(service: TestService, id: string): Promise<Record<string, unknown>> {
  return until("all have an outcome", async () => {
    const { state, users, reason, user } = await record(service, id);
    assert.equal(user, undefined);
    return state !== "in_flight" && state !== "scheduled" && { state, reason, ...users };
  });
}

async function subscribe(service: TestService, user: string, number: number): Promise<void> {
  await service.subscribe({
    ...{ user, client: CLIENTS.apn, transport: "apn", token: iPhone(number) },
    topics: number % 2 === 0 ? ["ox:mail:*"] : ["other"],
  });
}

/** Registers the suite. */
export function testFanout(name: string, { test, store }: PublishingSuite): void {
  const each = (sentence: string, run: (providers: Providers) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      await using providers = await startProviders({ store: await store() });
      await run(providers);
    });

  each("users by their names have one id, counts, and an outcome each", async (all) => {
    const { service } = all;
    for (const n of [0, 2, 4]) await subscribe(service, `u${n}`, n);
    const users = ["u0", "u2", 7, "u4", "u0"];
    const id = await publish(service, { users });
    assert.deepEqual(await ended(service, id), {
      ...{ state: "delivered", reason: undefined, count: 4 },
      states: { delivered: 3, suppressed: 1 },
    });
    const { body } = await service.call("GET", `${PATH}/${id}/users`);
    assert.deepEqual(
      body.items.map((one: Record<string, unknown>) => [one["user"], one["state"], one["fanout"]]),
      [["u0", "delivered", id], ["u2", "delivered", id], ["7", "suppressed", id], [
        "u4",
        "delivered",
        id,
      ]],
    );
    const next = await service.call("GET", `${PATH}/${id}/users?cursor=${body.next}`);
    assert.deepEqual(next.body, { items: [] });
    assert.equal(pushes(all).length, 3);
    const { text } = await service.call("GET", "/metrics");
    assert.match(text, /^carillon_fanout_users_total 4$/m);
  });

  each("an audience is everyone, who subscribes to the topic, or a group", async (all) => {
    const { service } = all;
    for (const n of [0, 1, 2]) await subscribe(service, `u${n}`, n);
    await service.mint("tab");
    await service.mint("u0");
    const subscribers = await publish(service, { audience: { kind: "subscribers" } });
    assert.deepEqual((await ended(service, subscribers))["states"], { delivered: 2 });
    const everyone = await publish(service, { audience: { kind: "everyone" } });
    assert.deepEqual((await ended(service, everyone))["states"], { delivered: 2, suppressed: 2 });

    const users = Array.from({ length: 450 }, (_, n) => `m${n}`);
    const path = "/v1/groups/1/sales/members";
    const added = await service.call("POST", path, { body: { users: [...users, "u2"] } });
    assert.equal(added.status, 204, added.text);
    assert.equal((await service.call("DELETE", path, { body: { users: ["m7"] } })).status, 204);
    const group = await publish(service, { audience: { kind: "group", group: "sales" } });
    const outcome = await ended(service, group);
    assert.equal(outcome["count"], 450);
    assert.deepEqual(outcome["states"], { delivered: 1, suppressed: 449 });

    const listed: string[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const { body }: Answer = await service.call("GET", `${path}?limit=200${cursor}`);
      listed.push(...body.users);
      cursor = body.next === undefined ? undefined : `&cursor=${body.next}`;
    }
    assert.deepEqual(listed, [...users.filter((user) => user !== "m7"), "u2"].sort());
    assert.deepEqual((await service.call("GET", "/v1/groups/1")).body, { groups: ["sales"] });
    assert.equal((await service.call("DELETE", "/v1/groups/1/sales")).status, 204);
    const nobody = await publish(service, { audience: { kind: "group", group: "sales" } });
    assert.deepEqual(await ended(service, nobody), {
      ...{ state: "suppressed", reason: "no_users", count: 0, states: {} },
    });
  });

  each("many users may be scheduled, cancelled and dismissed as one", async (all) => {
    const { service } = all;
    for (const n of [0, 2]) await subscribe(service, `u${n}`, n);
    const users = ["u0", "u2"];
    const cancelled = await publish(service, { users, deliverAt: soon(60_000) });
    assert.equal((await record(service, cancelled)).state, "scheduled");
    const { body } = await service.call("DELETE", `${PATH}/${cancelled}`);
    assert.equal(body.state, "cancelled");
    const id = await publish(service, { users, deliverAt: soon(300), collapseKey: "k" });
    assert.deepEqual((await ended(service, id))["states"], { delivered: 2 });
    const dismissal = await service.call("POST", `${PATH}/${id}/dismiss`);
    assert.deepEqual((await ended(service, dismissal.body.id))["states"], { delivered: 2 });
    const dismissed = pushes(all).map(({ payload }) => (payload as { dismiss?: string }).dismiss);
    assert.deepEqual(dismissed, [undefined, undefined, "k", "k"]);
  });

  each("one key accepts many users once", async (all) => {
    const { service } = all;
    await subscribe(service, "u0", 0);
    const body = { ...TO_MANY, users: ["u0"] };
    const headers = { "idempotency-key": "k" };
    const ids = await Promise.all([1, 2].map(() =>
      until("it is accepted", async () => {
        const answer = await service.call("POST", PATH, { body, headers });
        return answer.status === 202 && String(answer.body.ids[0]);
      })
    ));
    assert.equal(ids[0], ids[1]);
    await ended(service, ids[0]!);
    assert.equal(pushes(all).length, 1);
  });

  each("a request for many that cannot be is refused", async ({ service }) => {
    const audience = { kind: "everyone" };
    for (
      const body of [
        TO_MANY,
        { ...NEW_MAIL, users: ["a"] },
        { ...NEW_MAIL, audience },
        { ...TO_MANY, users: ["a"], audience },
        { ...TO_MANY, users: [] },
        { ...TO_MANY, users: ["a\u0000"] },
        { ...TO_MANY, users: Array.from({ length: 10_001 }, (_, n) => n) },
        { ...TO_MANY, audience: { kind: "group", group: "../../etc" } },
        { ...TO_MANY, audience: { kind: "all" } },
        { ...TO_MANY, users: ["a"], deliverAt: { local: "8:00" } },
        { notifications: [{ ...TO_MANY, audience }] },
      ]
    ) {
      assertProblem(await service.call("POST", PATH, { body }), "400 invalid_request");
    }
    const { secret: key } = await service.mintKeyOf({ scopes: ["publish"], contexts: ["2"] });
    const answer = await service.call("POST", PATH, { body: { ...TO_MANY, audience }, key });
    assertProblem(answer, "403 forbidden");
    const members = { body: { users: ["a"] }, key };
    assertProblem(await service.call("POST", "/v1/groups/1/g/members", members), "403 forbidden");
  });
}
