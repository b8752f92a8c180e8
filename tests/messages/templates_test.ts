import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import { type TransportName, TRANSPORTS } from "../../core/subscription.ts";
import { compileTemplates, createMessageGenerator } from "../../messages/mod.ts";
import { MAIL, notificationOf } from "./_notification.ts";

Deno.test("a template replaces the fields that it names, and no others", () => {
  const { title, body, badge, category } = mail('title: "Mail from {sender}"');
  assert.deepEqual({ title, body, badge, category }, {
    title: "Mail from Jane Doe",
    body: "Let's meet\nHello",
    badge: 83,
    category: "new-message-category",
  });
});

Deno.test("every field can be set", () => {
  const message = mail(`
        title: t
        body: b
        badge: 7
        sound: s.caf
        thread: "{id}"
        category: c
        collapsekey: k
        link: "https://mail.example.com/?id={id}"
        icon: mail.png
        extra: { "mutable-content": 1, list: ["{sender}", true, null] }`);
  assert.deepEqual(message, {
    id: "0190163d-8694-739b-aea5-966c26f8ad91",
    topic: "ox:mail:new",
    data: MAIL,
    priority: "high",
    silent: false,
    title: "t",
    body: "b",
    badge: 7,
    sound: "s.caf",
    thread: "113",
    category: "c",
    collapseKey: "k",
    link: "https://mail.example.com/?id=113",
    icon: "mail.png",
    extra: { "mutable-content": 1, list: ["Jane Doe", true, null] },
  });
});

Deno.test("false leaves a field out", () => {
  const message = mail("body: false\n        badge: false\n        sound: false");
  assert.deepEqual(["body" in message, "badge" in message, "sound" in message], [
    false,
    false,
    false,
  ]);
});

Deno.test("a badge that is not a number is left out", () => {
  assert.equal("badge" in mail('badge: "{subject}"'), false);
});

Deno.test("a message whose texts are all empty is silent", () => {
  assert.equal(mail('title: "{location}"\n        body: "{title}"').silent, true);
});

Deno.test("silent wakes the app and shows nothing", () => {
  const { silent, title, data } = mail("silent: true");
  assert.deepEqual([silent, title, data], [true, undefined, MAIL]);
});

Deno.test("silent: false shows what would be silent", () => {
  const text = at("apn", "ox:mail:new", "title: New mail\n        silent: false");
  assert.equal(generate(text, "ox:mail:new", { folder: "INBOX" }).title, "New mail");
});

Deno.test("a template's texts do not show what has nothing to show", () => {
  const text = at("apn", "ox:calendar:updates", "title: Invitation");
  assert.equal(generate(text, "ox:calendar:updates", { folders: ["cal://0/30"] }).silent, true);
});

Deno.test("private sends no content to the provider", () => {
  const message = mail(
    'private: true\n        title: "{subject}"\n        extra: { s: "{subject}" }',
  );
  assert.deepEqual(message, {
    id: "0190163d-8694-739b-aea5-966c26f8ad91",
    topic: "ox:mail:new",
    data: {},
    priority: "high",
    silent: true,
  });
});

Deno.test("what was made private for all stays so under one client's own texts", () => {
  const text = `
"*":
  apn:
    "*": { private: true }
myiosclient:
  "*":
    ox:mail:new: { title: "{sender}" }
`;
  assert.equal(generate(text, "ox:mail:new", MAIL).silent, true);
});

Deno.test("private: false in the more specific template counts", () => {
  const text = `
"*":
  apn:
    "*": { private: true }
myiosclient:
  "*":
    ox:mail:new: { private: false }
`;
  assert.equal(generate(text, "ox:mail:new", MAIL).title, "Jane Doe");
});

Deno.test("templates show the newest of several mails and their count", () => {
  const text = at(
    "apn",
    "ox:mail:new",
    'title: "{sender}"\n        body: "{subject} and {count} in all"',
  );
  const args = [{ ...MAIL, subject: "Old" }, { ...MAIL, displayname: "John" }];
  const { title, body } = generate(text, "ox:mail:new", { folder: "INBOX", args });
  assert.deepEqual([title, body], ["John", "Let's meet and 2 in all"]);
});

Deno.test("the client precedes the transport, the transport precedes the topic", () => {
  const scopes: readonly (readonly [string, string, string])[] = [
    ["myiosclient", "apn", "ox:mail:new"],
    ["myiosclient", "apn", "ox:mail:*"],
    ["myiosclient", "apn", "ox:*"],
    ["myiosclient", "apn", "*"],
    ["myiosclient", "*", "ox:mail:new"],
    ["myiosclient", "*", "*"],
    ["*", "apn", "ox:mail:new"],
    ["*", "apn", "*"],
    ["*", "*", "ox:mail:new"],
    ["*", "*", "*"],
  ];
  const won = scopes.map((_, from) => {
    const left = scopes.slice(from);
    const text = yamlOf(left.map((scope, index) => [scope, `t${from + index}`]));
    return generate(text, "ox:mail:new", MAIL).title;
  });
  assert.deepEqual(won, scopes.map((_, index) => `t${index}`));
});

Deno.test("aliases name the same transport", () => {
  assert.equal(generate(at("apns", "*", "title: x"), "ox:mail:new", MAIL).title, "x");
});

Deno.test("templates of other clients, transports and topics change nothing", () => {
  const text = `
other:
  apn:
    "*": { title: x }
"*":
  gcm:
    "*": { title: x }
  apn:
    ox:calendar:*: { title: x }
`;
  assert.equal(generate(text, "ox:mail:new", MAIL).title, "Jane Doe");
});

Deno.test("new templates count from the next message on", () => {
  let { templates } = compileTemplates("f", at("apn", "*", "title: old"));
  const generator = createMessageGenerator({ templates: () => templates });
  const title = () =>
    generator.generate(notificationOf("a", {}), { client: "c", transport: "apn" }).title;
  assert.equal(title(), "old");
  templates = compileTemplates("f", at("apn", "*", "title: new")).templates;
  assert.equal(title(), "new");
});

Deno.test("for any data there is a message, and every text is bounded", () => {
  const { templates, faults } = compileTemplates(
    "f",
    at(
      "apn",
      "*",
      `
        title: "{sender|title}{data.a.b}"
        body: "{needsAction}{folders}{message}"
        thread: "{folder}"
        badge: "{unread}"
        link: "https://x.example.com/{data.a}"
        extra: { deep: ["{subject}"] }`,
    ),
  );
  assert.deepEqual(faults, []);
  const generator = createMessageGenerator({ templates: () => templates });
  const known = ["folder", "id", "cid", "email", "displayname", "subject", "unread", "teaser"];
  const names = fc.constantFrom(
    ...known,
    "args",
    "needsAction",
    "folders",
    "title",
    "message",
    "a",
  );
  const text = fc.tuple(fc.string({ unit: "binary" }), fc.constantFrom(1, 1, 10, 1000))
    .map(([text, times]) => text.repeat(times));
  const value = fc.oneof(
    text,
    fc.jsonValue(),
    fc.array(fc.dictionary(names, fc.oneof(text, fc.jsonValue()))),
  );
  const data = fc.dictionary(names, value) as fc.Arbitrary<JsonObject>;
  const topic = fc.constantFrom("ox:mail:new", "ox:calendar:updates", "acme:door");
  fc.assert(
    fc.property(topic, data, fc.constantFrom(...TRANSPORTS), (topic, data, transport) => {
      const message = generator.generate(notificationOf(topic, data), { client: "c", transport });
      checkBounds(message);
    }),
    { numRuns: 150 },
  );
});

function checkBounds(message: Message): void {
  const { title, body, sound, thread, category, collapseKey, link, icon, badge } = message;
  for (const text of [title, sound, thread, category, collapseKey]) {
    assert.ok(text === undefined || (text.length > 0 && text.length <= 256));
    assert.ok(text === undefined || text.isWellFormed());
    assert.doesNotMatch(text ?? "", /\p{Cc}/u);
  }
  for (const text of [body, link, icon]) {
    assert.ok(text === undefined || (text.length > 0 && text.length <= 2048));
    assert.doesNotMatch(text ?? "", /[^\P{Cc}\n]/u);
  }
  assert.ok(badge === undefined || (Number.isSafeInteger(badge) && badge >= 0));
  assert.equal(message.silent, title === undefined && body === undefined);
}

function mail(fields: string): Message {
  return generate(at("apn", "ox:mail:new", fields), "ox:mail:new", MAIL);
}

function at(transport: string, topic: string, fields: string): string {
  return `"*":\n  ${transport}:\n    "${topic}":\n        ${fields}\n`;
}

function yamlOf(
  entries: readonly (readonly [scope: readonly [string, string, string], title: string])[],
): string {
  const tree: Record<string, Record<string, Record<string, { title: string }>>> = {};
  for (const [[client, transport, topic], title] of entries) {
    ((tree[client] ??= {})[transport] ??= {})[topic] = { title };
  }
  // JSON is YAML.
  return JSON.stringify(tree);
}

function generate(text: string, topic: string, data: JsonObject): Message {
  const { templates, faults } = compileTemplates("pns-messages.yml", text);
  assert.deepEqual(faults, []);
  const generator = createMessageGenerator({ templates: () => templates });
  const transport: TransportName = "apn";
  return generator.generate(notificationOf(topic, data), { client: "myiosclient", transport });
}
