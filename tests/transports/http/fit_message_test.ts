import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonObject } from "../../../core/json.ts";
import { fitMessage, type MessageParts } from "../../../transports/http/fit_message.ts";
import { byteLength, shortenText } from "../../../transports/http/shorten_text.ts";

const FAMILY = "👨‍👩‍👧‍👦";

function fit(message: { title?: string; body?: string; data?: JsonObject }, maxBytes: number) {
  const text = fitMessage({ data: {}, ...message }, { maxBytes, render: json });
  if (text !== undefined) assert.ok(byteLength(text) <= maxBytes);
  return text === undefined ? undefined : JSON.parse(text) as MessageParts;
}

Deno.test("shortenText() leaves a text unchanged that fits to the byte", () => {
  assert.equal(shortenText("Grüße", 7), "Grüße");
});

Deno.test("shortenText() ends a text that does not fit with an ellipsis", () => {
  assert.equal(shortenText("Grüße", 6), "Gr…");
});

Deno.test("shortenText() leaves no space before the ellipsis", () => {
  assert.equal(shortenText("See you there", 10), "See you…");
});

Deno.test("shortenText() never cuts within a character made of several code points", () => {
  assert.equal(shortenText(`a${FAMILY}${FAMILY}`, byteLength(FAMILY) + 4), `a${FAMILY}…`);
  assert.equal(shortenText(`a${FAMILY}${FAMILY}`, byteLength(FAMILY) + 3), "a…");
});

Deno.test("shortenText() gives nothing where not even the ellipsis fits", () => {
  assert.equal(shortenText("Hello", 2), "");
});

Deno.test("shortenText() keeps to its limit and to a prefix for any text", () => {
  const texts = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));
  fc.assert(fc.property(texts, fc.nat(80), (text, maxBytes) => {
    const short = shortenText(text, maxBytes);
    assert.ok(byteLength(short) <= maxBytes);
    assert.ok(short === text || text.startsWith(short.slice(0, -1)));
  }));
});

Deno.test("fitMessage() renders a message that fits once and as it is", () => {
  const renders: MessageParts[] = [];
  const message = { title: "Hi", body: "there", data: { folder: "INBOX" } };
  fitMessage(message, { maxBytes: 100, render: (parts) => (renders.push(parts), json(parts)) });
  assert.deepEqual(renders, [message]);
});

Deno.test("fitMessage() shortens the body first, to the last byte that fits", () => {
  const fitted = fit({ title: "Title", body: "x".repeat(500), data: { id: "1" } }, 300)!;
  assert.equal(fitted.title, "Title");
  assert.deepEqual(fitted.data, { id: "1" });
  assert.equal(byteLength(json(fitted)), 300);
});

Deno.test("fitMessage() counts what escaping costs", () => {
  const fitted = fit({ title: "T", body: "\u0001".repeat(500) }, 1000)!;
  assert.ok(fitted.body!.length > 150, `${fitted.body!.length}`);
});

Deno.test("fitMessage() drops the largest data before the text becomes too short", () => {
  const data = { folder: "INBOX", id: "113", teaser: "y".repeat(400), subject: "z".repeat(50) };
  const fitted = fit({ title: "Title", body: "x".repeat(500), data }, 320)!;
  assert.deepEqual(Object.keys(fitted.data), ["folder", "id", "subject"]);
  assert.ok(fitted.body!.length >= 100);
});

Deno.test("fitMessage() drops the fields that identify the subject after all others", () => {
  const data = { folder: "f".repeat(200), other: "o".repeat(20), more: "m".repeat(30) };
  assert.deepEqual(fit({ data }, 240)!.data, { folder: data.folder });
});

Deno.test("fitMessage() shortens the title when nothing else is left", () => {
  const fitted = fit({ title: "t".repeat(500), body: "b", data: { id: "1" } }, 100)!;
  assert.match(fitted.title!, /^t{50,}…$/);
  assert.equal(fitted.body, undefined);
  assert.deepEqual(fitted.data, {});
});

Deno.test("fitMessage() gives nothing where not even the bare message fits", () => {
  assert.equal(fit({ title: "Title" }, 5), undefined);
});

Deno.test("fitMessage() fits any message that can fit, with bytes as with text", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 300 });
  const messages = fc.record({
    title: text,
    body: text,
    data: fc.dictionary(fc.string({ maxLength: 10 }), fc.string({ maxLength: 200 })),
  });
  fc.assert(fc.property(messages, fc.integer({ min: 11, max: 400 }), (message, maxBytes) => {
    const encoder = new TextEncoder();
    const payload = fitMessage(message, {
      maxBytes,
      render: (parts) => encoder.encode(json(parts)),
    });
    assert.ok(payload!.length <= maxBytes);
  }));
});

function json(parts: MessageParts) {
  return JSON.stringify(parts);
}
