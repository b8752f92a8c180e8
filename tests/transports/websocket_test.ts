import assert from "node:assert/strict";
import type { Presence, UserEvent } from "../../core/events.ts";
import type { Message } from "../../core/message.ts";
import { socketOutcome, userEventOf } from "../../core/socket_events.ts";
import { createWebsocketTransport } from "../../transports/websocket.ts";

const APP = "open-xchange-appsuite";

function socket(fields: Partial<Presence> = {}): Presence {
  return { client: APP, id: "tab", socketId: "s1", open: true, ...fields };
}

Deno.test("an open socket of the client receives the event", () => {
  assert.equal(socketOutcome([socket()], { client: APP, source: undefined }).kind, "sent");
});

Deno.test("sockets of another client do not count", () => {
  assert.equal(
    socketOutcome([socket({ client: "other" })], { client: APP, source: undefined }).kind,
    "offline",
  );
});

Deno.test("the source alone receives nothing, by its connection id or its Socket.IO id", () => {
  assert.equal(socketOutcome([socket()], { client: APP, source: "tab" }).kind, "source");
  assert.equal(socketOutcome([socket()], { client: APP, source: "s1" }).kind, "source");
});

Deno.test("another socket beside the source receives the event", () => {
  const two = [socket(), socket({ id: "tab2", socketId: "s2" })];
  assert.equal(socketOutcome(two, { client: APP, source: "tab" }).kind, "sent");
  assert.equal(socketOutcome(two.toReversed(), { client: APP, source: "tab" }).kind, "sent");
});

Deno.test("for a client that closed its socket just now, the event is kept", () => {
  assert.equal(
    socketOutcome([socket({ open: false })], { client: APP, source: undefined }).kind,
    "kept",
  );
  assert.equal(
    socketOutcome([socket({ open: false }), socket()], { client: APP, source: undefined }).kind,
    "sent",
  );
  const both = [socket({ open: false, id: "gone" }), socket()];
  assert.equal(socketOutcome(both, { client: APP, source: "tab" }).kind, "kept");
});

Deno.test("an event carries topic and data as JSON, and what it excludes", () => {
  const notification = {
    id: "n",
    context: "1",
    user: "3",
    topic: "ox:mail:new",
    data: '{"a":"é"}',
  };
  assert.deepEqual(userEventOf({ ...notification, sourceToken: "tab" }, [APP]), {
    ...{ id: "n", context: "1", user: "3", clients: [APP], except: "tab" },
    args: '"ox:mail:new",{"a":"é"}',
  });
  assert.equal("except" in userEventOf(notification, [APP]), false);
});

Deno.test("an event says for which of its clients it is kept, where it is for any", () => {
  const notification = { id: "n", context: "1", user: "3", topic: "t", data: "{}" };
  assert.deepEqual(userEventOf(notification, [APP, "other"], { kept: ["other"] }).kept, ["other"]);
  assert.equal("kept" in userEventOf(notification, [APP], { kept: undefined }), false);
});

Deno.test("a single message goes to the hub, unless no socket would receive it", async () => {
  const published: UserEvent[] = [];
  let present: readonly Presence[] = [socket()];
  await using transport = createWebsocketTransport({
    presence: () => [present],
    publish(events) {
      published.push(...events);
      return Promise.resolve(new Set());
    },
  });
  const target = { ...{ context: "1", user: "3", client: APP, token: "", refreshedAt: 0 } };
  const message: Message = {
    ...{ id: "n", topic: "t", data: {}, priority: "high", silent: true },
  };
  const signal = new AbortController().signal;
  const send = () => transport.send({ ...target, transport: "websocket" }, message, signal);
  assert.deepEqual(await send(), { kind: "sent" });
  assert.deepEqual(published.map(({ id, user, clients }) => [id, user, clients]), [
    ["n", "3", [APP]],
  ]);
  present = [];
  assert.deepEqual(await send(), { kind: "offline" });
  assert.equal(published.length, 1);
});
