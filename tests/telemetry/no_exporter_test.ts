/** Without an exporter nothing on the way of a notification knows of traces. */

import assert from "node:assert/strict";
import { encodeNotification, unpackNotifications } from "../../buffer/_stored_items.ts";
import { createLog } from "../../core/log.ts";
import type { Notification } from "../../core/notification.ts";
import { parseTraceparent } from "../../core/tracing.ts";
import { formatNotification, parseNotification } from "../../redis/buffer/_codec.ts";
import { formatEvents, parseEvents } from "../../redis/hub/_event_codec.ts";
import { createTracer } from "../../service/tracing.ts";
import { userEventOf } from "../../core/socket_events.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PLAIN: Notification = {
  ...{ id: "0192f3c1-7a5b-7c3d-8e1f-2a3b4c5d6e7f", context: "1", user: "3" },
  ...{
    topic: "ox:mail:new",
    data: '{"id":"1"}',
    priority: "high",
    acceptedAt: 1,
  },
};
const TRACED: Notification = { ...PLAIN, traceparent: TRACEPARENT };

Deno.test("there is no tracer unless the environment asks for one", () => {
  const deps = { log: createLog({ write() {}, now: () => 0 }) };
  assert.equal(createTracer({}, deps), undefined);
  assert.equal(createTracer({ OTEL_DENO: "false" }, deps), undefined);
});

Deno.test("a notification without a trace is stored as an earlier version stored it", () => {
  assert.equal(
    encodeNotification(PLAIN),
    `["${PLAIN.id}","1","3","ox:mail:new",1]\n{"id":"1"}`,
  );
  assert.equal(
    formatNotification(PLAIN, { waits: false }),
    '1\u0000\n["3","ox:mail:new","high",1]\n{"id":"1"}',
  );
  assert.deepEqual(Object.keys(userEventOf(PLAIN, ["c"])), [
    "id",
    "context",
    "user",
    "clients",
    "args",
  ]);
});

Deno.test("a trace is kept with the notification in the data file and on Redis", () => {
  const [read] = unpackNotifications(encodeNotification(TRACED));
  assert.equal(read!.traceparent, TRACEPARENT);
  const body = formatNotification(TRACED, { waits: true });
  assert.equal(parseNotification(PLAIN.id, body).traceparent, TRACEPARENT);
});

Deno.test("a trace travels with an event from node to node, with and without a source", () => {
  const event = { ...userEventOf(TRACED, ["c"]), offset: 2, previous: 1 };
  assert.deepEqual(parseEvents(formatEvents([event])), [event]);
  const caused = { ...event, except: "socket" };
  assert.deepEqual(parseEvents(formatEvents([caused])), [caused]);
});

for (
  const text of [
    "",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    `${TRACEPARENT}-more`,
    TRACEPARENT.toUpperCase(),
  ]
) {
  Deno.test(`'${text}' is no trace context`, () => {
    assert.equal(parseTraceparent(text), undefined);
  });
}
