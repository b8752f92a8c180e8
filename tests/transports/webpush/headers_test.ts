import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { pushHeaders } from "../../../transports/webpush/headers.ts";

const NOW = Date.UTC(2026, 0, 1);
const ELSEWHERE = { nowMs: NOW, isWindows: false };

Deno.test("a message without expiry is kept for a day", () => {
  assert.equal(pushHeaders({ priority: "high" }, ELSEWHERE).ttl, "86400");
});

Deno.test("a message is kept until it expires", () => {
  const message = { priority: "high", expiresAt: NOW + 90_500 } as const;
  assert.equal(pushHeaders(message, ELSEWHERE).ttl, "91");
});

Deno.test("a message is kept for four weeks at most", () => {
  const message = { priority: "high", expiresAt: NOW + 1e12 } as const;
  assert.equal(pushHeaders(message, ELSEWHERE).ttl, "2419200");
});

Deno.test("an expired message is not kept", () => {
  const message = { priority: "high", expiresAt: NOW - 1 } as const;
  assert.equal(pushHeaders(message, ELSEWHERE).ttl, "0");
});

Deno.test("the priority is the urgency", () => {
  const urgencies = (["high", "medium", "low"] as const)
    .map((priority) => pushHeaders({ priority }, ELSEWHERE));
  assert.deepEqual(urgencies.map(({ urgency }) => urgency), ["high", "normal", "low"]);
});

Deno.test("the topic is 32 characters of the collapse key's hash", () => {
  const message = { priority: "high", collapseKey: "default0/INBOX/113" } as const;
  const hash = createHash("sha256").update("default0/INBOX/113").digest("base64url");
  assert.equal(pushHeaders(message, ELSEWHERE).topic, hash.slice(0, 32));
});

Deno.test("a message without collapse key has no topic", () => {
  assert.equal("topic" in pushHeaders({ priority: "high" }, ELSEWHERE), false);
});

Deno.test("Windows is asked to keep a message exactly if it has a time to live", () => {
  const windows = { nowMs: NOW, isWindows: true };
  const kept = pushHeaders({ priority: "high" }, windows);
  const expired = pushHeaders({ priority: "high", expiresAt: NOW }, windows);
  const elsewhere = pushHeaders({ priority: "high" }, ELSEWHERE);
  assert.equal(kept["x-wns-cache-policy"], "cache");
  assert.equal(expired["x-wns-cache-policy"], "no-cache");
  assert.equal("x-wns-cache-policy" in elsewhere, false);
});
