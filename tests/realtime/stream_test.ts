/** `/v1/stream`: what a client of server-sent events gets, and what it is refused. */

import assert from "node:assert/strict";
import { formatOffset } from "../../core/events.ts";
import type { RealtimeSettings } from "../../realtime/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";
import { openStream } from "./_event_source.ts";
import { type RealtimeOverrides, type ServedRealtime, serveRealtime } from "./_servers.ts";

const SEVEN = { context: "1", user: "7" };
const EIGHT = { context: "1", user: "8" };

function streamOf(served: ServedRealtime, query = "session=7@1"): string {
  return `http://${served.host}/v1/stream?${query}`;
}

function testStream(
  name: string,
  run: (served: ServedRealtime) => Promise<void>,
  settings: Partial<RealtimeSettings> = {},
  options: RealtimeOverrides = {},
): void {
  Deno.test(name, async () => {
    await using served = serveRealtime(settings, options);
    await run(served);
  });
}

testStream(
  "a stream begins with 'ready' and then has each event in one message",
  async (served) => {
    using stream = await openStream(streamOf(served, "session=7@1&connection=tab"));
    const [ready] = await stream.received("ready");
    assert.deepEqual(JSON.parse(ready!.data), {
      ...{ connection: "tab", pingInterval: 25_000, recovered: false },
    });
    assert.match(ready!.id!, /^\d{16}$/);
    assert.equal(stream.retryMs, 2000);
    served.publish(SEVEN, "acme:a", [{ text: "Grüße 🔔" }]);
    const [message] = await stream.received(undefined);
    assert.deepEqual(JSON.parse(message!.data), { topic: "acme:a", data: { text: "Grüße 🔔" } });
    assert.ok(message!.id! > ready!.id!);
  },
);

testStream("no cache may keep a stream, and no proxy compress or buffer it", async (served) => {
  using stream = await openStream(streamOf(served), { "accept-encoding": "gzip, br" });
  const { headers } = stream.response;
  assert.equal(headers.get("content-type"), "text/event-stream");
  assert.equal(headers.get("cache-control"), "no-store, no-transform");
  assert.equal(headers.get("x-accel-buffering"), "no");
  assert.equal(headers.get("content-encoding"), null);
});

testStream("line breaks within a publisher's JSON do not break a message", async (served) => {
  using stream = await openStream(streamOf(served));
  await stream.received("ready");
  const args = '"acme:a",{\r\n  "text":\n"a\\nb"\r}';
  await served.hub.publish([{ ...SEVEN, id: "1", clients: ["open-xchange-appsuite"], args }], {
    isRepeat: false,
  });
  await stream.received(undefined);
  assert.deepEqual(stream.heard, [{ text: "a\nb" }]);
});

testStream("a stream does not get what its own connection caused", async (served) => {
  using source = await openStream(streamOf(served, "session=7@1&connection=tab"));
  using other = await openStream(streamOf(served));
  await Promise.all([source.received("ready"), other.received("ready")]);
  served.publish(SEVEN, "acme:a", [1], "tab");
  served.publish(SEVEN, "acme:a", [2]);
  await Promise.all([source.received(undefined), other.received(undefined, 2)]);
  assert.deepEqual([source.heard, other.heard], [[2], [1, 2]]);
});

testStream("the session may be in the header, and must be somewhere", async (served) => {
  using inHeader = await openStream(streamOf(served, ""), { authorization: "Bearer 7@1" });
  await inHeader.received("ready");
  for (const query of ["", "session=", "session=nobody"]) {
    using refused = await openStream(streamOf(served, query));
    assert.equal(refused.response.status, 401, query);
    await refused.ended();
    assert.equal(JSON.parse(refused.text).code, "unauthenticated");
  }
});

testStream(
  "a page of another origin is refused, and one that is allowed may read",
  async (served) => {
    using foreign = await openStream(streamOf(served), { origin: "https://evil.example" });
    assert.equal(foreign.response.status, 403);
    using allowed = await openStream(streamOf(served), { origin: "https://mail.example" });
    assert.equal(allowed.response.status, 200);
    const { headers } = allowed.response;
    assert.equal(headers.get("access-control-allow-origin"), "https://mail.example");
  },
  { allowedOrigins: ["https://mail.example"] },
);

testStream("the parameter 'client' decides which client's events a stream gets", async (served) => {
  using mobile = await openStream(streamOf(served, "session=7@1&client=mobile"));
  await mobile.received("ready");
  served.publish({ ...SEVEN, client: "web" }, "acme:a", [1]);
  served.publish({ ...SEVEN, client: "mobile" }, "acme:a", [2]);
  await mobile.received(undefined);
  assert.deepEqual(mobile.heard, [2]);
  using unnamed = await openStream(streamOf(served));
  using unknown = await openStream(streamOf(served, "session=7@1&client=tv"));
  assert.deepEqual([unnamed.response.status, unknown.response.status], [400, 404]);
}, {
  paths: [{ client: "web", path: "/socket.io/web" }, {
    ...{ client: "mobile", path: "/socket.io/mobile" },
  }],
});

testStream("a user has no more streams and sockets than the limit", async (served) => {
  using first = await openStream(streamOf(served));
  await first.received("ready");
  using second = await openStream(streamOf(served));
  assert.equal(second.response.status, 429);
  using ofAnother = await openStream(streamOf(served, "session=8@1"));
  assert.equal(ofAnother.response.status, 200);
}, { maxSocketsPerUser: 1 });

testStream("a stream replaces the one of the same connection name", async (served) => {
  using former = await openStream(streamOf(served, "session=7@1&connection=tab"));
  await former.received("ready");
  using latter = await openStream(streamOf(served, "session=7@1&connection=tab"));
  await latter.received("ready");
  await former.ended();
  assert.equal(served.realtime.socketsOf(SEVEN).length, 1);
});

testStream(
  "a refusal for a moment is a stream that ends, so that EventSource reconnects",
  async (served) => {
    await served.realtime.drain({ perSecond: 1000, withinMs: 1 });
    using stream = await openStream(streamOf(served));
    assert.equal(stream.response.status, 200);
    const [refused] = await stream.received("refused");
    assert.equal(JSON.parse(refused!.data).code, "draining");
    assert.equal(stream.retryMs, 1000);
    await stream.ended();
  },
);

testStream("draining ends streams, and closing the server too", async (served) => {
  using stream = await openStream(streamOf(served));
  await stream.received("ready");
  await served.realtime.drain({ perSecond: 1000, withinMs: 1 });
  await stream.ended();
  assert.deepEqual(served.realtime.socketsOf(SEVEN), []);
});

testStream("the end of a session is told and ends the stream", async (served) => {
  using stream = await openStream(streamOf(served));
  await stream.received("ready");
  assert.equal(served.realtime.closeSession("7@1"), 1);
  await stream.received("session:invalid");
  await stream.ended();
});

testStream("a client that goes away is noticed", async (served) => {
  const stream = await openStream(streamOf(served));
  await stream.received("ready");
  stream[Symbol.dispose]();
  await until("it is gone", () => served.realtime.socketsOf(SEVEN).length === 0);
});

const clock = new FakeClock();
testStream(
  "a quiet stream carries a comment at each ping interval",
  async (served) => {
    using stream = await openStream(streamOf(served));
    await stream.received("ready");
    const before = stream.text.length;
    await clock.advance(27_000);
    await until("a comment has come", () => stream.text.slice(before) === ":\n\n");
  },
  {},
  { clock },
);

testStream(
  "a Last-Event-ID brings what came after it, and nothing of another user",
  async (served) => {
    using ofEight = await openStream(streamOf(served, "session=8@1"));
    using first = await openStream(streamOf(served));
    await Promise.all([ofEight.received("ready"), first.received("ready")]);
    served.publish(EIGHT, "acme:secret", [8]);
    served.publish(SEVEN, "acme:a", [1]);
    served.publish(SEVEN, "acme:a", [2]);
    const idOfEight = (await ofEight.received(undefined))[0]!.id!;
    const id = (await first.received(undefined, 2))[0]!.id!;
    using second = await openStream(streamOf(served), { "last-event-id": id });
    await second.received(undefined);
    assert.deepEqual(second.heard, [2]);
    assert.equal(JSON.parse(second.named("ready")[0]!.data).recovered, true);
    using stolen = await openStream(streamOf(served), { "last-event-id": idOfEight });
    served.publish(SEVEN, "acme:a", [3]);
    await until("it has got the last", () => stolen.heard.includes(3));
    assert.ok(!stolen.text.includes("secret"));
  },
);

for (
  const [what, id] of Object.entries({
    "of the future": formatOffset(Number.MAX_SAFE_INTEGER),
    "of long ago": formatOffset(1),
    "that is garbage": "'; drop table--",
    "that is far too long": "1".repeat(4000),
  })
) {
  testStream(`a Last-Event-ID ${what} brings 'resync' and then what comes`, async (served) => {
    using stream = await openStream(streamOf(served), { "last-event-id": id });
    const [resync] = await stream.received("resync");
    assert.match(resync!.id!, /^\d{16}$/);
    const [ready] = stream.named("ready");
    assert.equal(JSON.parse(ready!.data).recovered, false);
    assert.equal(ready!.id, undefined, "a break before 'resync' must not hide it");
    served.publish(SEVEN, "acme:a", [1]);
    await stream.received(undefined);
    assert.deepEqual(stream.heard, [1]);
  });
}

testStream("other methods than GET open nothing", async (served) => {
  for (const method of ["POST", "PUT", "DELETE"]) {
    const response = await served.http("/v1/stream?session=7@1", { method });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get("allow"), "GET");
    await response.body?.cancel();
  }
});
