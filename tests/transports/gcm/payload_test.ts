import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../core/json.ts";
import type { Message } from "../../../core/message.ts";
import { renderLegacy } from "../../../transports/gcm/payload_legacy.ts";
import { renderV1 } from "../../../transports/gcm/payload_v1.ts";
import { mailMessage, silentMessage } from "./fake_provider.ts";

const NOW = Date.UTC(2026, 0, 1);

function v1(message: Message) {
  return JSON.parse(renderV1(message, { token: "tok", nowMs: NOW })!).message;
}

function legacy(message: Message) {
  return JSON.parse(renderLegacy(message, { token: "tok", nowMs: NOW })!);
}

Deno.test("renderV1() shows title and body and passes the data on as texts", () => {
  const message = mailMessage({
    collapseKey: "inbox",
    badge: 83,
    sound: "default",
    link: "https://mail.example/113",
    expiresAt: NOW + 90_500,
  });
  assert.deepEqual(v1(message), {
    token: "tok",
    data: {
      notificationId: message.id,
      topic: "ox:mail:new",
      link: "https://mail.example/113",
      folder: "default0/INBOX",
      id: "113",
      unread: "83",
    },
    notification: { title: "Jane Doe", body: "Let's meet" },
    android: {
      priority: "HIGH",
      ttl: "91s",
      collapse_key: "inbox",
      notification: { sound: "default", tag: "inbox", notification_count: 83 },
    },
  });
});

Deno.test("renderV1() sends a silent message as data only, at normal priority", () => {
  const message = v1(silentMessage());
  assert.equal(message.notification, undefined);
  assert.equal(message.android.notification, undefined);
  assert.equal(message.android.priority, "NORMAL");
  assert.equal(message.apns.headers["apns-priority"], "5");
  assert.equal(message.data.folder, "default0/INBOX");
});

Deno.test("renderV1() takes an address for a picture and a name for an icon of the app", () => {
  const picture = v1(mailMessage({ icon: "https://cdn.example/jane.png" }));
  assert.equal(picture.notification.image, "https://cdn.example/jane.png");
  assert.equal(picture.android.notification.icon, undefined);
  const name = v1(mailMessage({ icon: "ic_mail" }));
  assert.equal(name.notification.image, undefined);
  assert.equal(name.android.notification.icon, "ic_mail");
});

Deno.test("renderV1() asks for at most four weeks and never for less than nothing", () => {
  assert.equal(v1(mailMessage({ expiresAt: NOW + 1e12 })).android.ttl, "2419200s");
  assert.equal(v1(mailMessage({ expiresAt: NOW - 1 })).android.ttl, "0s");
  assert.equal(v1(mailMessage()).android.ttl, undefined);
});

Deno.test("renderV1() renames the data keys that FCM keeps for itself, without overwriting", () => {
  const { data } = v1(mailMessage({
    data: { from: "a", google_x: "b", gcm: "c", collapse_key: "d", _from: "e", "message_type": 1 },
  }));
  assert.equal(data.__from, "a");
  assert.equal(data._from, "e");
  assert.equal(data._google_x, "b");
  assert.equal(data._gcm, "c");
  assert.equal(data._collapse_key, "d");
  assert.equal(data._message_type, "1");
  assert.ok(!Object.keys(data).some((key) => /^(from|google|gcm|collapse_key)/.test(key)));
});

Deno.test("renderV1() merges what a template sets, and removes what it sets to null", () => {
  const message = v1(mailMessage({
    sound: "default",
    extra: {
      android: { notification: { channel_id: "mail", sound: null } },
      apns: { payload: { aps: { "thread-id": "inbox" } } },
      webpush: { fcm_options: { link: "https://mail.example" } },
      data: { number: 7 },
    },
  }));
  assert.equal(message.android.notification.channel_id, "mail");
  assert.equal(message.android.notification.sound, undefined);
  assert.equal(message.apns.payload.aps["thread-id"], "inbox");
  assert.equal(message.webpush.fcm_options.link, "https://mail.example");
  assert.equal(message.data.number, "7");
  assert.equal(message.data.id, "113");
});

Deno.test("renderV1() lets no template redirect a message", () => {
  const extra = { token: "x", topic: "all", condition: "'a' in topics", fid: "f", name: "n" };
  const message = v1(mailMessage({ extra }));
  assert.equal(message.token, "tok");
  for (const key of ["topic", "condition", "fid", "name"]) assert.equal(message[key], undefined);
});

Deno.test("renderV1() gives up a template's fields rather than the message", () => {
  const extra = { android: { notification: { ticker: "x".repeat(5000) } } };
  const message = v1(mailMessage({ extra }));
  assert.equal(message.notification.title, "Jane Doe");
  assert.equal(message.android.notification.ticker, undefined);
});

Deno.test("renderV1() finds nothing that fits where the collapse key alone is too large", () => {
  const message = mailMessage({ collapseKey: "k".repeat(5000) });
  assert.equal(renderV1(message, { token: "tok", nowMs: NOW }), undefined);
});

Deno.test("renderLegacy() writes the format of the old GCM", () => {
  const message = mailMessage({
    collapseKey: "inbox",
    badge: 83,
    sound: "default",
    icon: "ic_mail",
    expiresAt: NOW + 60_000,
  });
  assert.deepEqual(legacy(message), {
    to: "tok",
    priority: "high",
    time_to_live: 60,
    collapse_key: "inbox",
    data: {
      notificationId: message.id,
      topic: "ox:mail:new",
      folder: "default0/INBOX",
      id: "113",
      unread: "83",
    },
    notification: {
      title: "Jane Doe",
      body: "Let's meet",
      icon: "ic_mail",
      sound: "default",
      tag: "inbox",
      badge: "83",
    },
  });
});

Deno.test("renderLegacy() wakes the app for a silent message and shows nothing", () => {
  const body = legacy(silentMessage());
  assert.equal(body.content_available, true);
  assert.equal(body.priority, "normal");
  assert.equal(body.notification, undefined);
});

Deno.test("renderLegacy() lets no template redirect a message", () => {
  const body = legacy(mailMessage({ extra: { to: "/topics/all", registration_ids: ["a"] } }));
  assert.equal(body.to, "tok");
  assert.equal(body.registration_ids, undefined);
});

const anyText = fc.string({ unit: "binary", maxLength: 6000 });
const anyData = fc.dictionary(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.oneof(anyText, fc.integer(), fc.boolean(), fc.array(fc.string()), fc.constant(null)),
  { maxKeys: 12 },
) as fc.Arbitrary<JsonObject>;

Deno.test("both formats stay within 4096 bytes and give only texts as data, whatever comes", () => {
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(anyText, anyText, anyData, fc.boolean(), (title, body, data, silent) => {
      const message = silent ? silentMessage({ data }) : mailMessage({ title, body, data });
      for (const render of [renderV1, renderLegacy]) {
        const text = render(message, { token: "t".repeat(160), nowMs: NOW });
        assert.ok(text !== undefined);
        assert.ok(encoder.encode(text).length <= 4096);
        const parsed = JSON.parse(text);
        const values = Object.values((parsed.message ?? parsed).data);
        assert.ok(values.every((value) => typeof value === "string" && value.isWellFormed()));
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("a token of 4096 characters leaves room for the message", () => {
  const text = renderV1(mailMessage(), { token: "t".repeat(4096), nowMs: NOW })!;
  assert.equal(JSON.parse(text).message.notification.title, "Jane Doe");
});
