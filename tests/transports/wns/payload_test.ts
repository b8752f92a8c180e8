import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../core/json.ts";
import { renderWns } from "../../../transports/wns/payload.ts";
import { WNS_TYPES, type WnsType } from "../../../transports/wns/settings.ts";
import { mailMessage, silentMessage } from "../gcm/fake_provider.ts";

/** Every markup character of well-formed output belongs to a tag or an entity of ours. */
const MARKUP =
  /<\/?[a-zA-Z]+(?: [a-zA-Z-]+="[^"<>&]*(?:&(?:amp|lt|gt|quot|apos);[^"<>&]*)*")*\/?>/g;
const ENTITY = /&(?:amp|lt|gt|quot|apos);/g;
// deno-lint-ignore no-control-regex -- these are what must not be there
const ILLEGAL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;

function assertWellFormed(xml: string): void {
  assert.ok(!ILLEGAL.test(xml) && xml.isWellFormed(), "only characters that XML can hold");
  const open: string[] = [];
  for (const [tag] of xml.matchAll(MARKUP)) {
    const name = /[a-zA-Z]+/.exec(tag)![0];
    if (tag.startsWith("</")) assert.equal(open.pop(), name);
    else if (!tag.endsWith("/>")) open.push(name);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(xml.replace(MARKUP, "").replace(ENTITY, ""), /[<>&]/);
}

function textsOf(xml: string): string[] {
  return [...xml.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => unescape(text!));
}

function attribute(xml: string, name: string): string | undefined {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1];
  return value === undefined ? undefined : unescape(value);
}

function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&amp;", "&");
}

Deno.test("renderWns() makes a toast of title and body, with what the app needs to open it", () => {
  const { type, body } = renderWns(mailMessage(), "toast")!;
  assert.equal(type, "toast");
  assertWellFormed(body);
  assert.match(body, /^<toast launch="[^"]*"><visual><binding template="ToastGeneric"><text>/);
  assert.deepEqual(textsOf(body), ["Jane Doe", "Let's meet"]);
  assert.deepEqual(JSON.parse(attribute(body, "launch")!), {
    id: mailMessage().id,
    topic: "ox:mail:new",
    data: mailMessage().data,
  });
});

Deno.test("renderWns() opens a link by its protocol", () => {
  const { body } = renderWns(mailMessage({ link: "https://mail.example/?a=1&b=2" }), "toast")!;
  assertWellFormed(body);
  assert.equal(attribute(body, "launch"), "https://mail.example/?a=1&b=2");
  assert.equal(attribute(body, "activationType"), "protocol");
});

Deno.test("renderWns() shows a picture and plays a sound that Windows can find, and no other", () => {
  const found = renderWns(
    mailMessage({ icon: "https://cdn.example/j.png", sound: "ms-winsoundevent:Notification.Mail" }),
    "toast",
  )!.body;
  assertWellFormed(found);
  assert.match(found, /<image placement="appLogoOverride" src="https:\/\/cdn\.example\/j\.png"\/>/);
  assert.match(found, /<audio src="ms-winsoundevent:Notification\.Mail"\/>/);
  const lost = renderWns(mailMessage({ icon: "ic_mail", sound: "default" }), "toast")!.body;
  assert.doesNotMatch(lost, /<image|<audio/);
});

Deno.test("renderWns() makes a tile in two sizes", () => {
  const { type, body } = renderWns(mailMessage(), "tile")!;
  assert.equal(type, "tile");
  assertWellFormed(body);
  assert.match(body, /^<tile><visual><binding template="TileMedium">.*"TileWide">/);
  assert.deepEqual(textsOf(body), ["Jane Doe", "Let's meet", "Jane Doe", "Let's meet"]);
});

Deno.test("renderWns() makes a badge of a message with nothing but a number", () => {
  const { title: _title, body: _body, ...bare } = mailMessage({ badge: 7 });
  assert.deepEqual(renderWns(bare, "toast"), { type: "badge", body: `<badge value="7"/>` });
  assert.equal(renderWns({ ...bare, badge: -1 }, "toast")?.body, `<badge value="0"/>`);
});

Deno.test("renderWns() makes JSON for the app of a silent message", () => {
  const message = silentMessage({ badge: 7 });
  const { type, body } = renderWns(message, "toast")!;
  assert.equal(type, "raw");
  assert.deepEqual(JSON.parse(body), {
    id: message.id,
    topic: "ox:mail:new",
    badge: 7,
    data: message.data,
  });
});

Deno.test("renderWns() makes JSON of a message with neither texts nor a number", () => {
  const { title: _title, body: _body, ...bare } = mailMessage();
  assert.equal(renderWns(bare, "toast")?.type, "raw");
});

Deno.test("renderWns() lets a template choose the kind and the toast's behaviour", () => {
  for (const type of WNS_TYPES) {
    assert.equal(renderWns(mailMessage({ extra: { type } }), "toast")?.type, type);
    assert.equal(renderWns(mailMessage({ extra: { type: `wns/${type}` } }), "toast")?.type, type);
  }
  const extra = { type: "toast", launch: "a=<1>", duration: "long", scenario: "reminder" };
  const { body } = renderWns(mailMessage({ extra }), "raw")!;
  assertWellFormed(body);
  assert.equal(attribute(body, "launch"), "a=<1>");
  assert.equal(attribute(body, "duration"), "long");
  assert.equal(attribute(body, "scenario"), "reminder");
});

Deno.test("renderWns() ignores what a template sets that WNS would refuse", () => {
  const extra = { type: "hologram", duration: "forever", scenario: "panic" };
  const { type, body } = renderWns(mailMessage({ extra }), "toast")!;
  assert.equal(type, "toast");
  assert.doesNotMatch(body, /duration|scenario/);
});

const anyText = fc.string({ unit: "binary", maxLength: 6000 });
const markup = fc.stringMatching(/^[<>&"'a-z\]\[!-]{0,2000}$/);
const anyData = fc.dictionary(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.oneof(anyText, markup, fc.integer(), fc.array(fc.string())),
  { maxKeys: 10 },
) as fc.Arbitrary<JsonObject>;

Deno.test("renderWns() stays within 5000 bytes of well-formed XML or JSON, whatever comes", () => {
  const encoder = new TextEncoder();
  const text = fc.oneof(anyText, markup);
  fc.assert(
    fc.property(text, text, anyData, fc.constantFrom(...WNS_TYPES), (title, body, data, wanted) => {
      const payload = renderWns(mailMessage({ title, body, data, extra: { type: wanted } }), "raw");
      assert.ok(payload !== undefined && payload.body !== "");
      assert.ok(encoder.encode(payload.body).length <= 5000);
      if (payload.type === "raw") JSON.parse(payload.body);
      else assertWellFormed(payload.body);
    }),
    { numRuns: 80 },
  );
});

Deno.test("renderWns() keeps every text that XML can hold", () => {
  const legal = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 })
    .filter((text) => !ILLEGAL.test(text) && text.isWellFormed());
  const types = fc.constantFrom<WnsType>("toast", "tile");
  fc.assert(
    fc.property(legal, legal, types, (title, body, type) => {
      const xml = renderWns(mailMessage({ title, body, data: {} }), type)!.body;
      assert.deepEqual(textsOf(xml).slice(0, 2), [title, body]);
    }),
    { numRuns: 80 },
  );
});

Deno.test("renderWns() drops the characters that XML cannot hold", () => {
  const title = "a\u0000b\u0008c\uFFFEd\uD800e\tf";
  assert.deepEqual(textsOf(renderWns(mailMessage({ title }), "toast")!.body)[0], "abcde\tf");
});
