import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../core/json.ts";
import type { Message } from "../../../core/message.ts";
import { renderPayload } from "../../../transports/webpush/payload.ts";

const MESSAGE: Message = {
  id: "0190163d-8694-739b-aea5-966c26f8ad91",
  topic: "ox:mail:new",
  data: { folder: "default0/INBOX", id: "113" },
  priority: "high",
  silent: false,
  title: "Jane Doe",
  body: "Let's meet",
};

Deno.test("a service worker gets everything that it needs to show the message", () => {
  const message = { ...MESSAGE, badge: 83, thread: "default0/INBOX", collapseKey: "a", link: "/m" };
  assert.deepEqual(rendered(message), {
    id: MESSAGE.id,
    topic: "ox:mail:new",
    title: "Jane Doe",
    body: "Let's meet",
    badge: 83,
    tag: "a",
    thread: "default0/INBOX",
    link: "/m",
    data: { folder: "default0/INBOX", id: "113" },
  });
});

Deno.test("a silent message says so and carries its data", () => {
  const { title: _title, body: _body, ...rest } = MESSAGE;
  assert.deepEqual(rendered({ ...rest, silent: true }), {
    id: MESSAGE.id,
    topic: "ox:mail:new",
    silent: true,
    data: { folder: "default0/INBOX", id: "113" },
  });
});

Deno.test("a template's own fields are merged over the rendered ones", () => {
  const extra = { requireInteraction: true, title: "New mail" };
  const { requireInteraction, title } = rendered({ ...MESSAGE, extra });
  assert.deepEqual([requireInteraction, title], [true, "New mail"]);
});

Deno.test("a long body is cut so that Firefox on phones can take the message", () => {
  const payload = renderPayload({ ...MESSAGE, body: "Grüße 👩‍👩‍👧 ".repeat(400) })!;
  assert.ok(payload.length <= 2560, `${payload.length}`);
  assert.ok(payload.length > 2500, `${payload.length}`);
});

Deno.test("data are not dropped for the preferred size", () => {
  const data = { folder: "default0/INBOX", id: "113", teaser: "x".repeat(3000) };
  assert.deepEqual(rendered({ ...MESSAGE, data, body: "y".repeat(2000) }).data, data);
});

Deno.test("data that cannot fit are dropped, the mail's identity last", () => {
  const data = { folder: "default0/INBOX", id: "113", teaser: "x".repeat(9000) };
  const payload = rendered({ ...MESSAGE, data });
  assert.deepEqual(payload.data, { folder: "default0/INBOX", id: "113" });
  assert.equal(payload.title, "Jane Doe");
});

Deno.test("a message that cannot be made to fit gives nothing", () => {
  assert.equal(renderPayload({ ...MESSAGE, extra: { blob: "x".repeat(5000) } }), undefined);
});

Deno.test("whatever the texts and data, the payload is JSON of at most 3993 bytes", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 6000, size: "max" });
  const data = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>;
  fc.assert(
    fc.property(text, text, data, (title, body, data) => {
      const payload = renderPayload({ ...MESSAGE, title, body, data });
      assert.ok(payload && payload.length <= 3993);
      assert.equal(JSON.parse(new TextDecoder().decode(payload)).id, MESSAGE.id);
    }),
    { numRuns: 100 },
  );
});

function rendered(message: Message): JsonObject {
  return JSON.parse(new TextDecoder().decode(renderPayload(message)));
}
