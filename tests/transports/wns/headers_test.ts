import assert from "node:assert/strict";
import type { Message } from "../../../core/message.ts";
import { wnsHeaders } from "../../../transports/wns/headers.ts";
import type { WnsType } from "../../../transports/wns/settings.ts";
import { mailMessage, silentMessage } from "../gcm/fake_provider.ts";

const NOW = Date.UTC(2026, 0, 1);

function headers(message: Message, type: WnsType = "toast"): Record<string, string> {
  return wnsHeaders(message, { type, nowMs: NOW, accessToken: "abc" });
}

Deno.test("wnsHeaders() names the kind and its media type", () => {
  for (const type of ["toast", "tile", "badge"] as const) {
    assert.equal(headers(mailMessage(), type)["x-wns-type"], `wns/${type}`);
    assert.equal(headers(mailMessage(), type)["content-type"], "text/xml");
  }
  assert.equal(headers(mailMessage(), "raw")["x-wns-type"], "wns/raw");
  assert.equal(headers(mailMessage(), "raw")["content-type"], "application/octet-stream");
  assert.equal(headers(mailMessage())["authorization"], "Bearer abc");
});

Deno.test("wnsHeaders() never lets time to live and caching contradict each other", () => {
  const ttl = (expiresAt?: number) => {
    const message = expiresAt === undefined ? mailMessage() : mailMessage({ expiresAt });
    const { "x-wns-ttl": seconds, "x-wns-cache-policy": policy } = headers(message);
    return [seconds, policy];
  };
  assert.deepEqual(ttl(NOW + 1500), ["2", "cache"]);
  assert.deepEqual(ttl(NOW), ["0", "no-cache"]);
  assert.deepEqual(ttl(NOW - 5), ["0", "no-cache"]);
  assert.deepEqual(ttl(), [undefined, "cache"]);
});

Deno.test("wnsHeaders() takes a short collapse key as the tag and hashes any other", () => {
  const tag = (collapseKey: string) => headers(mailMessage({ collapseKey }))["x-wns-tag"];
  assert.equal(tag("Inbox0123456789A"), "Inbox0123456789A");
  for (const key of ["default0/INBOX", "Inbox0123456789AB", "ä", "a\r\nb: c"]) {
    assert.match(tag(key)!, /^[A-Za-z0-9]{16}$/);
    assert.equal(tag(key), tag(key));
  }
  assert.notEqual(tag("default0/INBOX"), tag("default0/Sent"));
  assert.equal(headers(mailMessage())["x-wns-tag"], undefined);
});

Deno.test("wnsHeaders() lets a template set tag and group", () => {
  const message = mailMessage({ collapseKey: "key", extra: { tag: "mine", group: "mail box" } });
  assert.equal(headers(message)["x-wns-tag"], "mine");
  assert.match(headers(message)["x-wns-group"]!, /^[a-f0-9]{16}$/);
});

Deno.test("wnsHeaders() wakes the screen only for what is urgent and shown", () => {
  const priority = (message: Message) => headers(message)["x-wns-priority"];
  assert.equal(priority(mailMessage({ priority: "high" })), "1");
  assert.equal(priority(mailMessage({ priority: "medium" })), "2");
  assert.equal(priority(mailMessage({ priority: "low" })), "3");
  assert.equal(priority(silentMessage({ priority: "high" })), "3");
});

Deno.test("wnsHeaders() gives each request a correlation vector of its own", () => {
  const [first, second] = [headers(mailMessage())["ms-cv"], headers(mailMessage())["ms-cv"]];
  assert.match(first!, /^[A-Za-z0-9+/]{21}[AQgw]\.0$/);
  assert.notEqual(first, second);
});
