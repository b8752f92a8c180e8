import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL, pathsOf } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";

const PATH = "/v1/notifications";

Deno.test("a notification is accepted with its id", async () => {
  await using service = await startTestService();
  const { status, body } = await service.call("POST", PATH, { body: NEW_MAIL });
  assert.equal(status, 202);
  assert.equal(body.ids.length, 1);
  assert.match(
    body.ids[0],
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

Deno.test("a batch of 1,000 is accepted, with the ids in its order", async () => {
  await using service = await startTestService();
  const ids = await service.publishAll(
    Array.from({ length: 1000 }, (_, n) => ({ user: String(n), data: { n } })),
  );
  assert.equal(ids.length, 1000);
  assert.deepEqual(ids, ids.toSorted());
  assert.equal((await service.settled(ids[77]!)).user, "77");
});

Deno.test("ids of context and user may be numbers", async () => {
  await using service = await startTestService();
  const record = await service.settled(await service.publish({ context: 1, user: 3 }));
  assert.deepEqual([record.context, record.user], ["1", "3"]);
});

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { a: nested(levels - 1) };
}

const TOO_LARGE = { text: "x".repeat(65 * 1024) };

/** What is wrong → the fields, the problem, and the path of its fault. */
const REFUSED: Readonly<
  Record<string, readonly [Record<string, unknown>, string, string]>
> = {
  "without a topic": [{ topic: undefined }, "400 invalid_request", "topic"],
  "with a topic that is a number": [{ topic: 7 }, "400 invalid_request", "topic"],
  "to the topic 'ox.mail'": [{ topic: "ox.mail" }, "400 invalid_topic", "topic"],
  "to the topic 'a:*:b'": [{ topic: "a:*:b" }, "400 invalid_topic", "topic"],
  "to the topic ''": [{ topic: "" }, "400 invalid_topic", "topic"],
  "to the topic 'ox::mail'": [{ topic: "ox::mail" }, "400 invalid_topic", "topic"],
  "to a wildcard": [{ topic: "ox:mail:*" }, "400 invalid_topic", "topic"],
  "to '*'": [{ topic: "*" }, "400 invalid_topic", "topic"],
  "to a topic of 256 characters": [{ topic: "t".repeat(256) }, "400 invalid_topic", "topic"],
  "without data": [{ data: undefined }, "400 invalid_request", "data"],
  "with data that is a list": [{ data: [1] }, "400 invalid_request", "data"],
  "with data that is null": [{ data: null }, "400 invalid_request", "data"],
  "with data nested 65 deep": [{ data: nested(65) }, "400 invalid_request", "data"],
  "with 65 KiB of data": [{ data: TOO_LARGE }, "413 payload_too_large", "data"],
  "without a user": [{ user: undefined }, "400 invalid_request", "user"],
  "with an empty user": [{ user: "" }, "400 invalid_request", "user"],
  "with a user of 256 characters": [{ user: "u".repeat(256) }, "400 invalid_request", "user"],
  "with a user of control characters": [{ user: "a\u0000b" }, "400 invalid_request", "user"],
  "with a user that is 1.5": [{ user: 1.5 }, "400 invalid_request", "user"],
  "with a context that is -1": [{ context: -1 }, "400 invalid_request", "context"],
  "with a negative ttl": [{ ttl: -1 }, "400 invalid_request", "ttl"],
  "with a ttl of 0": [{ ttl: 0 }, "400 invalid_request", "ttl"],
  "with a ttl of half a second": [{ ttl: 0.5 }, "400 invalid_request", "ttl"],
  "with a ttl of a year": [{ ttl: 31_536_000 }, "400 invalid_request", "ttl"],
  "with a ttl that is a text": [{ ttl: "60" }, "400 invalid_request", "ttl"],
  "with an unknown priority": [{ priority: "urgent" }, "400 invalid_request", "priority"],
  "with an empty collapse key": [{ collapseKey: "" }, "400 invalid_request", "collapseKey"],
  "with an empty source token": [{ sourceToken: "" }, "400 invalid_request", "sourceToken"],
};

for (const [what, [fields, expected, path]] of Object.entries(REFUSED)) {
  Deno.test(`a notification ${what} is refused`, async () => {
    await using service = await startTestService();
    const alone = await service.call("POST", PATH, { body: { ...NEW_MAIL, ...fields } });
    assertProblem(alone, expected);
    assert.deepEqual(pathsOf(alone), [path]);
    const notifications = [NEW_MAIL, NEW_MAIL, NEW_MAIL, { ...NEW_MAIL, ...fields }];
    const within = await service.call("POST", PATH, { body: { notifications } });
    assertProblem(within, expected);
    assert.deepEqual(pathsOf(within), [`notifications[3].${path}`]);
  });
}

Deno.test("an unknown field is refused and named", async () => {
  await using service = await startTestService();
  const answer = await service.call("POST", PATH, { body: { ...NEW_MAIL, tll: 60 } });
  assertProblem(answer, "400 invalid_request");
  assert.match(answer.text, /tll/);
});

Deno.test("an invalid topic bears the original's number", async () => {
  await using service = await startTestService();
  const answer = await service.call("POST", PATH, { body: { ...NEW_MAIL, topic: "ox.mail" } });
  assert.equal(answer.body.pns, "PNS-0007");
});

Deno.test("every fault of a batch is named, and none of it is accepted", async () => {
  await using service = await startTestService();
  const answer = await service.call("POST", PATH, {
    body: {
      notifications: [NEW_MAIL, { ...NEW_MAIL, topic: "ox.mail" }, { ...NEW_MAIL, ttl: -1 }],
    },
  });
  assertProblem(answer, "400 invalid_request");
  assert.deepEqual(pathsOf(answer), ["notifications[1].topic", "notifications[2].ttl"]);
  const { text } = await service.call("GET", "/metrics");
  assert.match(text, /^carillon_notifications_accepted_total 0$/m);
});

Deno.test("a batch of 1,001 and an empty one are refused", async () => {
  await using service = await startTestService();
  for (const length of [1001, 0]) {
    const notifications = Array.from({ length }, () => ({ ...NEW_MAIL, data: {} }));
    const answer = await service.call("POST", PATH, { body: { notifications } });
    assertProblem(answer, "400 invalid_request");
    assert.deepEqual(pathsOf(answer), ["notifications"]);
  }
});

for (
  const [what, body] of Object.entries({
    "malformed JSON": '{"context": "1",',
    "an empty body": "",
    "a list": "[]",
    "null": "null",
    "a text": '"hello"',
    "binary garbage": "\u0000\u0001\ufffd",
  })
) {
  Deno.test(`${what} is refused as malformed`, async () => {
    await using service = await startTestService();
    assertProblem(await service.call("POST", PATH, { body }), "400 invalid_request");
  });
}

Deno.test("a body that is not JSON by its type is refused", async () => {
  await using service = await startTestService();
  const body = JSON.stringify(NEW_MAIL);
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
    const answer = await service.call("POST", PATH, { body, headers: { "content-type": type } });
    assertProblem(answer, "415 unsupported_media_type");
  }
  for (
    const type of ["application/json; charset=utf-8", "Application/JSON", "application/a+json"]
  ) {
    const { status } = await service.call("POST", PATH, {
      body,
      headers: { "content-type": type },
    });
    assert.equal(status, 202, type);
  }
});

Deno.test("a body over the limit is refused, with and without a Content-Length", async () => {
  await using service = await startTestService();
  const large = JSON.stringify({ ...NEW_MAIL, data: { text: "x".repeat(800_000) } });
  assertProblem(await service.call("POST", PATH, { body: large }), "413 payload_too_large");
  const chunked = new Blob([large]).stream();
  assertProblem(await service.call("POST", PATH, { body: chunked }), "413 payload_too_large");
});

Deno.test("a chunked body within the limit is accepted", async () => {
  await using service = await startTestService();
  const body = new Blob([JSON.stringify(NEW_MAIL)]).stream();
  assert.equal((await service.call("POST", PATH, { body })).status, 202);
});

Deno.test("data is accepted up to its limit to the byte", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.publish.maxPayloadBytes": 100 },
  });
  const ofBytes = (bytes: number) => ({ t: "é".repeat((bytes - 8) / 2) }); // {"t":""} has 8
  await service.publish({ data: ofBytes(100) });
  const answer = await service.call("POST", PATH, { body: { ...NEW_MAIL, data: ofBytes(102) } });
  assertProblem(answer, "413 payload_too_large");
});

Deno.test("data of the allowed depth is delivered, and deeper data is refused", async () => {
  await using service = await startTestService();
  await service.settled(await service.publish({ data: nested(64) }));
  // Deep enough to overflow the stack of a recursive walk, if it were accepted.
  const body = JSON.stringify(NEW_MAIL).replace(
    '"default0/INBOX"',
    "[".repeat(20_000) + "]".repeat(20_000),
  );
  assertProblem(await service.call("POST", PATH, { body }), "400 invalid_request");
});

Deno.test("keys of an object's prototype are data like any other", async () => {
  await using service = await startTestService();
  const body = `{"context":"__proto__","user":"constructor","topic":"ox:mail:new","data":` +
    `{"__proto__":{"a":1},"constructor":2}}`;
  const { status, body: { ids } } = await service.call("POST", PATH, { body });
  assert.equal(status, 202);
  assert.equal((await service.settled(ids[0])).user, "constructor");
});

Deno.test("a full buffer is answered with 503 and Retry-After", async () => {
  await using service = await startTestService({
    properties: {
      "io.carillon.buffer.maxNotifications": 2,
      "com.openexchange.pns.delayDuration": 60_000,
    },
  });
  await service.publishAll([{ user: "1" }, { user: "2" }]);
  const answer = await service.call("POST", PATH, { body: NEW_MAIL });
  assertProblem(answer, "503 buffer_full");
  assert.equal(answer.headers.get("retry-after"), "1");
});
