import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../core/json.ts";
import type { ParsedNotification } from "../../core/notification.ts";
import { parseTextTemplate, renderAddress, renderText } from "../../messages/text_template.ts";
import { MAIL, notificationOf } from "./_notification.ts";

for (
  const [text, result] of [
    ["New mail", "New mail"],
    ["{subject}", "Let's meet"],
    ["{sender}: {subject} ({unread})", "Jane Doe: Let's meet (83)"],
    ["{location}", ""],
    ["{location|nowhere}", "nowhere"],
    ["{location|title|subject}", "Let's meet"],
    ["{location|no place, sorry}", "no place, sorry"],
    ["{ subject }", "Let's meet"],
    ["{subject|}", "Let's meet"],
    ["{{subject}}", "{subject}"],
    ["{{{subject}}}", "{Let's meet}"],
    ["{topic} {context} {user} {count}", "ox:mail:new 1 4 1"],
    ["{data.folder}", "default0/INBOX"],
    ["{data.constructor}{data.folder.length}", ""],
    ["", ""],
  ] as const
) {
  Deno.test(`'${text}' gives '${result}'`, () => assert.equal(rendered(text, MAIL), result));
}

for (
  const [text, at, message] of [
    ["{subjekt}", 0, /'\{subjekt\}' is not known; known are .*subject.*'data\.'/],
    ["Hi {}", 3, /not known/],
    ["Hi {name", 3, /'\{' without '\}'/],
    ["Hi } there", 3, /'\}' without '\{'/],
    ["{No subject|subject}", 0, /not known/],
    ["{subject|no subjekt|folder}", 0, /'\{no subjekt\}' is not known/],
    ["{data.}", 0, /not known/],
    ["{__proto__}", 0, /not known/],
    ["x".repeat(1025), 0, /at most 1024/],
  ] as const
) {
  Deno.test(`'${text.slice(0, 30)}' is refused at character ${at}`, () => {
    const parsed = parseTextTemplate(text);
    assert.ok(!parsed.ok);
    assert.equal(parsed.at, at);
    assert.match(parsed.message, message);
  });
}

Deno.test("nested data are reached by their path, lists come with commas", () => {
  const data = { order: { number: 7, items: ["a", "b", { c: 1 }] } };
  assert.equal(rendered("{data.order.number}: {data.order.items}", data), "7: a, b");
});

Deno.test("values in an address are percent-encoded", () => {
  const text = "https://mail.example.com/?folder={folder}";
  assert.equal(address(text, MAIL), "https://mail.example.com/?folder=default0%2FINBOX");
});

Deno.test("an address that is one value is taken as it is", () => {
  const link = "https://mail.example.com/a/b";
  assert.equal(address("{data.link}", { link }), link);
});

Deno.test("braces doubled give any text back", () => {
  fc.assert(fc.property(fc.string({ maxLength: 500, unit: "binary" }), (text) => {
    const escaped = text.replaceAll("{", "{{").replaceAll("}", "}}");
    assert.equal(rendered(escaped, {}), text);
  }));
});

Deno.test("any text is parsed or refused at one of its characters", () => {
  const piece = fc.constantFrom("{", "}", "|", "subject", "data.x", ".", " ", "é");
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    const text = pieces.join("");
    const parsed = parseTextTemplate(text);
    if (parsed.ok) {
      assert.equal(typeof renderText(parsed.template, withData({})), "string");
    } else assert.ok(parsed.at >= 0 && parsed.at < text.length);
  }));
});

function rendered(text: string, data: JsonObject): string {
  const parsed = parseTextTemplate(text);
  assert.ok(parsed.ok);
  return renderText(parsed.template, withData(data));
}

function address(text: string, data: JsonObject): string {
  const parsed = parseTextTemplate(text);
  assert.ok(parsed.ok);
  return renderAddress(parsed.template, withData(data));
}

function withData(data: JsonObject): ParsedNotification {
  return { ...notificationOf("ox:mail:new", {}), data };
}
