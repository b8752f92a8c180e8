/**
 * What a publisher may ask beyond delivery, as one suite over every store: a whole service, a stock
 * Socket.IO client and the simulator's providers.
 */

import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { until } from "../support/until.ts";
import {
  MAIL_TOPIC,
  NOWHERE,
  openSocket,
  PATH,
  type PublishingSuite,
  pushes,
  record,
  soon,
  states,
} from "./_publishing.ts";
import { CLIENTS, iPhone, type Providers, startProviders } from "../flow/_providers.ts";

/** Registers the suite. */
export function testPublishing(name: string, { test, store }: PublishingSuite): void {
  const each = (sentence: string, run: (providers: Providers) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      await using providers = await startProviders({ store: await store() });
      const { service } = providers;
      await service.subscribe({ client: CLIENTS.apn, transport: "apn", token: iPhone(1) });
      await run(providers);
    });

  each("a scheduled notification is delivered at its time, and found under its id", async (all) => {
    const { service } = all;
    const id = await service.publish({ deliverAt: soon(700), ttl: 60 });
    const before = await record(service, id);
    assert.equal(before.state, "scheduled");
    assert.equal(pushes(all).length, 0);
    const settled = await until("it is delivered", async () => {
      const found = await record(service, id);
      return found.state === "delivered" && found;
    });
    assert.equal(settled.id, id);
    assert.equal(states(settled), "delivered apn=sent");
    const [push] = pushes(all);
    assert.equal(push!.headers["apns-id"], settled.deliveredAs);
    assert.ok(push!.at >= Date.parse(before.deliverAt as unknown as string));
    assert.equal(pushes(all).length, 1);
  });

  each("a scheduled notification that is cancelled is not sent", async (all) => {
    const { service } = all;
    const deliverAt = soon(600);
    const [cancelled, kept] = await service.publishAll([
      { deliverAt },
      { deliverAt, data: { folder: "f", id: "2" } },
    ]);
    const { status, body } = await service.call("DELETE", `${PATH}/${cancelled}`);
    assert.deepEqual([status, body.state], [200, "cancelled"]);
    await until(
      "the other one is delivered",
      async () => (await record(service, kept!)).state === "delivered",
    );
    assert.equal(states(await record(service, cancelled!)), "cancelled");
    assert.equal(pushes(all).length, 1);
  });

  each("what was sent cannot be cancelled, and the answer says so", async ({ service }) => {
    const id = await service.publish();
    await service.settled(id);
    const { status, body } = await service.call("DELETE", `${PATH}/${id}`);
    assert.deepEqual([status, states(body)], [200, "delivered apn=sent"]);
    assertProblem(await service.call("DELETE", `${PATH}/${NOWHERE}`), "404 not_found");
  });

  each("a repeated request with one key schedules once", async (all) => {
    const { service } = all;
    const body = { ...NEW_MAIL, deliverAt: soon(800) };
    const headers = { "idempotency-key": "k" };
    const answers = await Promise.all([1, 2].map(() =>
      until("it is accepted", async () => {
        const answer = await service.call("POST", PATH, { body, headers });
        return answer.status === 202 && answer.body.ids[0];
      })
    ));
    assert.equal(new Set(answers).size, 1);
    await until(
      "it is delivered",
      async () => (await record(service, answers[0])).state === "delivered",
    );
    assert.equal(pushes(all).length, 1);
  });

  each("a time that cannot be is refused, and nothing is scheduled", async ({ service }) => {
    for (
      const deliverAt of [
        soon(-1000),
        soon(31 * 86_400_000),
        { local: "08:00", timeZone: "Mars/Olympus" },
        { local: "25:00" },
        "tomorrow",
      ]
    ) {
      const body = {
        notifications: [{ ...NEW_MAIL, deliverAt: soon(60_000) }, {
          ...NEW_MAIL,
          deliverAt,
        }],
      };
      const answer = await service.call("POST", PATH, { body });
      assertProblem(answer, "400 invalid_request");
    }
    const mixed = { notifications: [NEW_MAIL, { ...NEW_MAIL, deliverAt: soon(60_000) }] };
    assertProblem(await service.call("POST", PATH, { body: mixed }), "400 invalid_request");
    const { text } = await service.call("GET", "/metrics");
    assert.match(text, /^carillon_notifications_in_flight 0$/m);
  });

  each("a phone is left alone where a socket acknowledged in time", async (all) => {
    const { service } = all;
    using socket = await openSocket(service);
    socket.on(MAIL_TOPIC, (...args) => args.at(-1)());
    const id = await service.publish({ escalate: { after: 1 } });
    const held = await until("the phone waits", async () => {
      const found = await record(service, id);
      return found.targets.length === 2 && found;
    });
    assert.equal(states(held), "in_flight apn=held websocket=sent");
    assert.ok(held.targets.some(({ until }) => until !== undefined));
    const settled = await service.settled(id);
    assert.equal(states(settled), "delivered apn=seen websocket=sent");
    assert.deepEqual(settled.receipts?.map(({ kind }) => kind), ["delivered"]);
    assert.equal(pushes(all).length, 0);
  });

  each("`seen` with the event's offset acknowledges it, too", async (all) => {
    const { service } = all;
    using socket = await openSocket(service);
    socket.on(MAIL_TOPIC, (...args) => socket.emit("seen", args.at(-2)));
    const id = await service.publish({ escalate: { after: 1 } });
    const settled = await service.settled(id);
    assert.equal(states(settled), "delivered apn=seen websocket=sent");
    assert.deepEqual(settled.receipts?.map(({ kind }) => kind), ["seen"]);
    assert.equal(pushes(all).length, 0);
  });

  each("a phone is rung once nobody has acknowledged, or at once without a socket", async (all) => {
    const { service } = all;
    const alone = await service.settled(await service.publish({ escalate: { after: 3600 } }));
    assert.equal(states(alone), "delivered apn=sent");
    using socket = await openSocket(service);
    const offsets: unknown[] = [];
    socket.on(MAIL_TOPIC, (...args) => offsets.push(args.at(-2)));
    const id = await service.publish({ escalate: { after: 1 } });
    assert.equal(states(await service.settled(id)), "delivered apn=sent websocket=sent");
    assert.equal(pushes(all).length, 2);
    // A wrong offset, another's event and anything that is none are nothing.
    for (const odd of ["0".repeat(16), "9".repeat(16), 7, null, "../../etc"]) {
      socket.emit("seen", odd);
    }
    socket.emit("seen", offsets[0]);
    await until(
      "the late one is in the record",
      async () => (await record(service, id)).receipts?.length === 1,
    );
  });

  each("a held phone that is cancelled is not rung", async (all) => {
    const { service } = all;
    using _socket = await openSocket(service);
    const id = await service.publish({ escalate: { after: 1 } });
    await until("the phone waits", async () => (await record(service, id)).targets.length === 2);
    const { body } = await service.call("DELETE", `${PATH}/${id}`);
    assert.equal(states(body), "delivered apn=cancelled websocket=sent");
    // Its job comes before that of a later one.
    const later = await service.publish({ escalate: { after: 1 } });
    assert.equal(states(await service.settled(later)), "delivered apn=sent websocket=sent");
    assert.equal(pushes(all).length, 1);
    assert.equal(states(await record(service, id)), "delivered apn=cancelled websocket=sent");
  });

  each("a receipt needs the notification's own token, and is written once", async (all) => {
    const { service } = all;
    const [id, other] = await service.publishAll([
      { receipts: true },
      { receipts: true, data: { folder: "f", id: "2" } },
    ]);
    await service.settled(id!);
    await service.settled(other!);
    const tokenOf = new Map(
      pushes(all).map(({ payload }) => {
        const { notification, receipt } = payload as Record<string, string>;
        return [notification, receipt];
      }),
    );
    const report = (body: unknown) => service.call("POST", "/v1/receipts", { body, key: null });
    const kind = "shown";
    for (let times = 0; times < 2; times++) {
      assert.equal((await report({ id, token: tokenOf.get(id!), kind })).status, 204);
    }
    assert.deepEqual((await record(service, id!)).receipts?.map((one) => one.kind), [kind]);
    assertProblem(await report({ id, token: tokenOf.get(other!), kind }), "403 forbidden");
    assertProblem(await report({ id: NOWHERE, token: "x", kind }), "403 forbidden");
    assertProblem(await report({ id, token: "", kind }), "400 invalid_request");
    const { text } = await service.call("GET", "/metrics");
    assert.match(text, /^carillon_receipts_total\{kind="shown"\} 1$/m);
    // It can be read again, by those who may see the context, once and from the cursor on.
    const events = await until("the event is listed", async () => {
      const { body } = await service.call("GET", "/v1/events");
      return body.items.length > 0 && body;
    });
    assert.deepEqual(
      events.items.map(({ type, data }: Record<string, unknown>) => [type, data]),
      [["notification.shown", { notification: id, context: "1", user: "3" }]],
    );
    const after = await service.call("GET", `/v1/events?after=${events.next}`);
    assert.deepEqual(after.body, { items: [], next: events.next });
    const { secret: key } = await service.mintKeyOf({ scopes: ["read"], contexts: ["2"] });
    assert.deepEqual((await service.call("GET", "/v1/events", { key })).body.items, []);
    assertProblem(await service.call("GET", "/v1/events?after=../../etc"), "400 invalid_request");
  });

  each("a dismissal reaches sockets as an event and phones as a silent push", async (all) => {
    const { service } = all;
    using socket = await openSocket(service);
    const events: Record<string, string>[] = [];
    socket.on("dismiss", (data) => events.push(data));
    const id = await service.publish({ collapseKey: "mail-1" });
    await service.settled(id);
    const { status, body } = await service.call("POST", `${PATH}/${id}/dismiss`);
    assert.deepEqual([status, body.cancelled], [202, 0]);
    assert.equal(states(await service.settled(body.id)), "delivered apn=sent websocket=sent");
    await until("the socket has it", () => events.length === 1);
    assert.deepEqual(events, [{ id, tag: "mail-1", topic: MAIL_TOPIC }]);
    const [shown, silent] = pushes(all);
    assert.equal(shown!.headers["apns-collapse-id"], "mail-1");
    assert.equal(silent!.headers["apns-collapse-id"], "mail-1");
    assert.equal(silent!.headers["apns-push-type"], "background");
    assert.equal((silent!.payload as Record<string, unknown>)["dismiss"], "mail-1");
  });

  each("a dismissal of what was never sent cancels it and sends nothing", async (all) => {
    const { service } = all;
    const id = await service.publish({ deliverAt: soon(3_600_000) });
    const { status, body } = await service.call("POST", `${PATH}/${id}/dismiss`);
    assert.deepEqual([status, body], [202, { cancelled: 1 }]);
    assert.equal((await record(service, id)).state, "cancelled");
    assertProblem(await service.call("POST", `${PATH}/${NOWHERE}/dismiss`), "404 not_found");
    assert.equal(pushes(all).length, 0);
  });

  each("what takes back needs the scope and the context of a publish", async ({ service }) => {
    const id = await service.publish();
    await service.settled(id);
    const reader = await service.mintKey("read");
    const { secret: elsewhere } = await service.mintKeyOf({ scopes: ["publish"], contexts: ["2"] });
    for (const key of [reader, elsewhere]) {
      assertProblem(await service.call("DELETE", `${PATH}/${id}`, { key }), "403 forbidden");
      const path = `${PATH}/${id}/dismiss`;
      assertProblem(await service.call("POST", path, { key }), "403 forbidden");
    }
  });
}
