import assert from "node:assert/strict";
import type { JsonObject } from "../../core/json.ts";
import type { Notification } from "../../core/notification.ts";
import { createMessageGenerator, type MessageOptions, NO_TEMPLATES } from "../../messages/mod.ts";
import { MAIL, notificationOf } from "./_notification.ts";

const generator = createMessageGenerator({ templates: () => NO_TEMPLATES });

Deno.test("the seed's new mail becomes a message with sender, subject, teaser and badge", () => {
  assert.deepEqual(made("ox:mail:new", MAIL), {
    id: "0190163d-8694-739b-aea5-966c26f8ad91",
    topic: "ox:mail:new",
    data: MAIL,
    priority: "high",
    silent: false,
    title: "Jane Doe",
    body: "Let's meet\nHello",
    badge: 83,
    sound: "default",
    thread: "default0/INBOX",
    category: "new-message-category",
    collapseKey: "default0/INBOX/113",
  });
});

Deno.test("a sender without a name is shown by the address", () => {
  const { displayname: _displayname, ...data } = MAIL;
  assert.equal(made("ox:mail:new", data).title, "jane.doe@foobar.com");
});

Deno.test("a mail without subject says so", () => {
  const { subject: _subject, teaser: _teaser, ...data } = MAIL;
  assert.equal(made("ox:mail:new", data).body, "No subject");
});

Deno.test("a mail of which only the folder is known wakes the app silently", () => {
  const { silent, title, body, sound, badge } = made("ox:mail:new", { folder: "default0/INBOX" });
  assert.deepEqual({ silent, title, body, sound, badge }, {
    silent: true,
    title: undefined,
    body: undefined,
    sound: undefined,
    badge: undefined,
  });
});

for (const unread of [-1, 1.5, "83", null, 2 ** 60]) {
  Deno.test(`an unread count of ${JSON.stringify(unread)} is no badge`, () => {
    assert.equal("badge" in made("ox:mail:new", { ...MAIL, unread }), false);
  });
}

Deno.test("an unread count of 0 clears the badge", () => {
  assert.equal(made("ox:mail:new", { ...MAIL, unread: 0 }).badge, 0);
});

Deno.test("several mails are summed up", () => {
  const args = [
    { ...MAIL, id: "112", unread: 82 },
    { ...MAIL, displayname: "John", subject: "Lunch", unread: 83 },
  ];
  const { title, body, badge, thread } = made("ox:mail:new", { folder: MAIL.folder, args });
  assert.deepEqual({ title, body, badge, thread }, {
    title: "2 new mails",
    body: "Jane Doe: Let's meet\nJohn: Lunch",
    badge: 83,
    thread: "default0/INBOX",
  });
});

Deno.test("of many mails the newest five are named", () => {
  const args = Array.from({ length: 50 }, (_, index) => ({ subject: `Mail ${index}` }));
  const { title, body } = made("ox:mail:new", { args });
  assert.equal(title, "50 new mails");
  assert.equal(body, "Mail 45\nMail 46\nMail 47\nMail 48\nMail 49");
});

Deno.test("a list of one mail is that mail", () => {
  const { title, collapseKey } = made("ox:mail:new", { folder: MAIL.folder, args: [MAIL] });
  assert.deepEqual([title, collapseKey], ["Jane Doe", "default0/INBOX/113"]);
});

Deno.test("several mails without details are silent", () => {
  assert.equal(made("ox:mail:new", { args: [{ id: "1" }, { id: "2" }] }).silent, true);
});

Deno.test("a calendar update is silent and keeps its data", () => {
  const data = { folders: ["cal://0/216759", "cal://0/30"] };
  const message = made("ox:calendar:updates", data);
  assert.deepEqual([message.silent, message.title, message.data], [true, undefined, data]);
});

Deno.test("an empty list of invitations is silent", () => {
  assert.equal(made("ox:calendar:updates", { needsAction: [] }).silent, true);
});

Deno.test("invitations are counted", () => {
  const title = (count: number) =>
    made("ox:calendar:updates", { needsAction: Array(count).fill("e") }).title;
  assert.deepEqual([title(1), title(3)], ["1 invitation", "3 invitations"]);
});

Deno.test("calendar updates do not replace each other, as each names other folders", () => {
  assert.equal("collapseKey" in made("ox:calendar:updates", { folders: ["cal://0/30"] }), false);
});

for (const field of ["message", "body", "subject"]) {
  Deno.test(`an unknown topic is shown by its 'title' and '${field}'`, () => {
    const { silent, title, body } = made("acme:door", { title: "Ding", [field]: "dong" });
    assert.deepEqual({ silent, title, body }, { silent: false, title: "Ding", body: "dong" });
  });
}

Deno.test("an unknown topic without texts is silent", () => {
  assert.equal(made("acme:door", { door: 3 }).silent, true);
});

Deno.test("the publisher's collapse key overrides the topic's own", () => {
  const notification = notificationOf("ox:mail:new", MAIL, { collapseKey: "mine" });
  assert.equal(generate(notification).collapseKey, "mine");
});

Deno.test("priority and expiry are passed on", () => {
  const more = { priority: "low", expiresAt: 5 } as const;
  const { priority, expiresAt } = generate(notificationOf("acme:door", {}, more));
  assert.deepEqual([priority, expiresAt], ["low", 5]);
});

Deno.test("a web socket gets topic and data and no text", () => {
  const target = { client: "open-xchange-appsuite", transport: "websocket" } as const;
  assert.deepEqual(generator.generate(notificationOf("ox:mail:new", MAIL), target), {
    id: "0190163d-8694-739b-aea5-966c26f8ad91",
    topic: "ox:mail:new",
    data: MAIL,
    priority: "high",
    silent: true,
  });
});

Deno.test("a user's settings switch badge and sound off", () => {
  const message = made("ox:mail:new", MAIL, { badge: false, sound: false });
  assert.equal("badge" in message || "sound" in message, false);
  assert.equal(message.title, "Jane Doe");
});

Deno.test("a user's settings name another sound", () => {
  assert.equal(made("ox:mail:new", MAIL, { soundName: "chime.caf" }).sound, "chime.caf");
});

Deno.test("control characters are not shown, and lines only in the body", () => {
  const data = { title: "a\u0000b\nc\u001b[31m", message: "x\r\n\r\ny\tz\u0085\u007f" };
  const { title, body } = made("acme:door", data);
  assert.deepEqual([title, body], ["ab c[31m", "x\ny z"]);
});

function made(topic: string, data: JsonObject, options?: MessageOptions) {
  return generate(notificationOf(topic, data), options);
}

function generate(notification: Notification, options?: MessageOptions) {
  return generator.generate(notification, { client: "myiosclient", transport: "apn" }, options);
}
