import assert from "node:assert/strict";
import fc from "fast-check";
import type { Message } from "../../../core/message.ts";
import { type ApnProfile, commonApnHeaders, renderApns } from "../../../transports/apn/payload.ts";
import { byteLength, type HeaderFields } from "../../../transports/http/mod.ts";
import { CALENDAR, ID, MAIL } from "./_message.ts";

const PROFILE: ApnProfile = { topic: "com.example.app", auth: "jwt" };

function render(message: Message, profile = PROFILE) {
  const request = renderApns(message, profile);
  assert.ok(request.kind === "request", JSON.stringify(request));
  const body = JSON.parse(new TextDecoder().decode(request.body));
  const headers: HeaderFields = { ...commonApnHeaders(request, profile), ...request.headers };
  return { headers, body, bytes: request.body.length };
}

function reject(message: Message, profile = PROFILE): string {
  const request = renderApns(message, profile);
  assert.ok(request.kind === "rejected");
  return request.reason;
}

Deno.test("a mail becomes an alert with what is needed to find it", () => {
  assert.deepEqual(render(MAIL).body, {
    folder: "default0/INBOX",
    id: "113",
    cid: "default0/INBOX/113",
    topic: "ox:mail:new",
    notification: ID,
    aps: {
      alert: { title: "Jane Doe", body: "Let's meet\nHello" },
      badge: 83,
      sound: "default",
      "thread-id": "default0/INBOX",
      category: "new-message-category",
    },
  });
});

Deno.test("a mail is sent with the headers of an alert", () => {
  assert.deepEqual(render(MAIL).headers, {
    "content-type": "application/json",
    "apns-topic": "com.example.app",
    "apns-push-type": "alert",
    "apns-id": ID,
    "apns-priority": "10",
    "apns-collapse-id": ID,
  });
});

Deno.test("a silent message becomes a background push with its data as custom keys", () => {
  const { headers, body } = render(CALENDAR);
  assert.equal(headers["apns-push-type"], "background");
  assert.equal(headers["apns-priority"], "5");
  assert.deepEqual(body, {
    folders: ["cal://0/216759", "cal://0/30"],
    topic: "ox:calendar:updates",
    notification: ID,
    aps: { "content-available": 1 },
  });
});

Deno.test("a background push has priority 5 even where the notification is urgent", () => {
  assert.equal(render({ ...CALENDAR, priority: "high" }).headers["apns-priority"], "5");
});

Deno.test("a silent message with a badge is an alert push that shows only the badge", () => {
  const { headers, body } = render({ ...CALENDAR, badge: 0 });
  assert.equal(headers["apns-push-type"], "alert");
  assert.deepEqual(body.aps, { badge: 0, "content-available": 1 });
});

Deno.test("a message with nothing to show is sent as a background push", () => {
  const { title: _, body: __, badge: ___, sound: ____, ...nothing } = MAIL;
  const { headers, body } = render(nothing);
  assert.equal(headers["apns-push-type"], "background");
  assert.deepEqual(body.aps, { "content-available": 1 });
});

Deno.test("priorities below high are left to the device's power saving", () => {
  assert.equal(render({ ...MAIL, priority: "medium" }).headers["apns-priority"], "5");
  assert.equal(render({ ...MAIL, priority: "low" }).headers["apns-priority"], "5");
});

Deno.test("a collapse key is passed on, up to 64 bytes", () => {
  const key = "k".repeat(64);
  assert.equal(render({ ...MAIL, collapseKey: key }).headers["apns-collapse-id"], key);
});

Deno.test("a collapse key that is longer or not plain is replaced by its hash", () => {
  for (const collapseKey of ["k".repeat(65), "käse", "a b", "line\nbreak", ""]) {
    const id = render({ ...MAIL, collapseKey }).headers["apns-collapse-id"]!;
    assert.match(id, /^[\w-]{43}$/);
    assert.equal(render({ ...MAIL, collapseKey }).headers["apns-collapse-id"], id);
  }
});

Deno.test("the expiry is passed on in seconds", () => {
  const expiresAt = Date.UTC(2026, 0, 1) + 1999;
  assert.equal(render({ ...MAIL, expiresAt }).headers["apns-expiration"], "1767225601");
});

Deno.test("a template's aps fields win over the rendered ones and add to the alert", () => {
  const extra = {
    aps: { alert: { subtitle: "Work" }, badge: 7, "mutable-content": 1 },
    "interruption-level": "time-sensitive",
    colour: "red",
  };
  const { body } = render({ ...MAIL, extra });
  assert.deepEqual(body.aps.alert, { title: MAIL.title, body: MAIL.body, subtitle: "Work" });
  assert.equal(body.aps.badge, 7);
  assert.equal(body.aps["mutable-content"], 1);
  assert.equal(body.aps["interruption-level"], "time-sensitive");
  assert.equal(body.colour, "red");
  assert.equal(body["interruption-level"], undefined);
});

Deno.test("a template's alert text replaces the rendered alert", () => {
  assert.equal(render({ ...MAIL, extra: { aps: { alert: "Ding" } } }).body.aps.alert, "Ding");
});

Deno.test("a template's push type decides the topic and the priority", () => {
  const { headers } = render({ ...MAIL, priority: "low", extra: { "push-type": "voip" } });
  assert.equal(headers["apns-topic"], "com.example.app.voip");
  assert.equal(headers["apns-priority"], "10");
});

Deno.test("what APNs would refuse is rejected before it is sent", () => {
  assert.match(reject({ ...MAIL, extra: { "push-type": "loud" } }), /unknown push type "loud"/);
  assert.match(reject({ ...MAIL, extra: { priority: 7 } }), /priority must be/);
  assert.match(
    reject({ ...CALENDAR, extra: { priority: 10 } }),
    /'background' must have priority 5/,
  );
  const extra = { "push-type": "location" };
  assert.match(reject({ ...MAIL, extra }, { ...PROFILE, auth: "certificate" }), /needs authtype/);
});

Deno.test("a notification's data cannot set aps", () => {
  const data = { aps: { alert: "forged" }, other: 1 };
  const { body } = render({ ...CALENDAR, data });
  assert.deepEqual(body.aps, { "content-available": 1 });
  assert.equal(body.other, 1);
});

Deno.test("a long body is shortened to exactly the limit", () => {
  const { body, bytes } = render({ ...MAIL, body: "x".repeat(60_000) });
  assert.equal(bytes, 4096);
  assert.match(body.aps.alert.body, /x…$/);
  assert.equal(body.aps.alert.title, "Jane Doe");
});

Deno.test("a call may be a fourth larger than other pushes", () => {
  const message = { ...MAIL, body: "x".repeat(60_000), extra: { "push-type": "voip" } };
  assert.equal(render(message).bytes, 5120);
});

Deno.test("data that is too large is left out, and the app is woken all the same", () => {
  const data = { folders: Array.from({ length: 1000 }, (_, i) => `cal://0/${i}`), hint: "x" };
  const { body } = render({ ...CALENDAR, data });
  assert.equal(body.hint, "x");
  assert.equal(body.folders, undefined);
  assert.deepEqual(body.aps, { "content-available": 1 });
});

Deno.test("a message whose fixed parts are too large is rejected", () => {
  assert.match(reject({ ...MAIL, link: `https://example.com/${"x".repeat(5000)}` }), /too large/);
});

Deno.test("any text and data end up within the limit, as valid JSON with whole characters", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 3000 });
  const messages = fc.record({
    title: text,
    body: text,
    topic: fc.constantFrom("ox:mail:new", "app:thing"),
    data: fc.dictionary(fc.string({ maxLength: 20 }), fc.string({ maxLength: 2000 })),
    silent: fc.boolean(),
  });
  fc.assert(
    fc.property(messages, (parts) => {
      const { body, bytes } = render({ ...MAIL, ...parts });
      assert.ok(bytes <= 4096);
      assert.equal(byteLength(JSON.stringify(body)), bytes);
      assert.equal(body.notification, ID);
    }),
    { numRuns: 50 },
  );
});
