import assert from "node:assert/strict";
import fc from "fast-check";
import { NOTIFICATION_STATES, TARGET_STATES } from "../../core/ledger.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { TRANSPORTS } from "../../core/subscription.ts";
import { decodeRecord, encodeRecord } from "../../core/ledger_codec.ts";
import { formatNotification, parseNotification } from "../../redis/buffer/_codec.ts";

/** A name that the routes accept. */
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  // deno-lint-ignore no-control-regex -- those are what is not let in
  .filter((text) => !/[\u0000-\u001f\u007f]/.test(text));
const text = fc.string({ unit: "binary", maxLength: 40 });

const notification = fc.record({
  id: fc.uuid({ version: 7 }),
  context: name,
  user: name,
  topic: name,
  data: fc.dictionary(fc.string(), fc.jsonValue()).map((data) => JSON.stringify(data)),
  priority: fc.constantFrom("high", "medium", "low"),
  acceptedAt: fc.nat(),
  expiresAt: fc.nat(),
  sourceToken: text,
  collapseKey: text,
}, {
  requiredKeys: ["id", "context", "user", "topic", "data", "priority", "acceptedAt"],
}) as fc.Arbitrary<Notification>;

const target = fc.record({
  client: name,
  transport: fc.constantFrom(...TRANSPORTS),
  state: fc.constantFrom(...TARGET_STATES),
  at: fc.nat(),
  subscription: name,
  reason: text,
  providerId: text,
  attempts: fc.nat(),
}, { requiredKeys: ["client", "transport", "state", "at"] });

const record = fc.record({
  id: fc.uuid({ version: 7 }),
  context: name,
  user: name,
  topic: name,
  acceptedAt: fc.nat(),
  state: fc.constantFrom(...NOTIFICATION_STATES),
  targets: fc.array(target, { maxLength: 3 }),
  reason: text,
  mergedInto: fc.uuid({ version: 7 }),
}, {
  requiredKeys: ["id", "context", "user", "topic", "acceptedAt", "state", "targets"],
}) as fc.Arbitrary<LedgerRecord>;

/** What Redis returns, where texts are UTF-8. */
function travelled(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

/** What JSON returns, where 0 and -0 are the same. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("notifications come back from Redis unchanged, whether they wait or not", () => {
  fc.assert(fc.property(notification, fc.boolean(), (one, waits) => {
    const body = travelled(formatNotification(one, { waits }));
    assert.deepEqual(plain(parseNotification(one.id, body)), plain(one));
  }));
});

Deno.test("a body begins with the context and a NUL, and its key is short and has no line feed", () => {
  fc.assert(fc.property(notification, (one) => {
    const body = formatNotification(one, { waits: true });
    const key = body.slice(0, body.indexOf("\n"));
    assert.ok(key.startsWith(`${one.context}\u0000`));
    assert.ok(key.length <= 96 || key.startsWith(`${one.context}\u0000#`));
    const [, known] = body.split("\n");
    assert.deepEqual(JSON.parse(known!)[0], one.user);
  }));
});

Deno.test("contexts and users that UTF-8 cannot tell apart stay apart", () => {
  const make = (context: string, user: string): Notification => ({
    ...{ id: "0190163d-8694-739b-aea5-966c26f8ad90", context, user, topic: "a", data: "{}" },
    ...{ priority: "high", acceptedAt: 0 },
  });
  const halves = ["\ud800", "\ud801"];
  const bodies = halves.flatMap((half) => [make(half, "3"), make("1", half)]).map((one) => {
    const body = travelled(formatNotification(one, { waits: true }));
    assert.deepEqual(parseNotification(one.id, body), one);
    return body.slice(0, body.indexOf("\n"));
  });
  assert.equal(new Set(bodies).size, 4);
});

Deno.test("records come back from Redis unchanged", () => {
  fc.assert(fc.property(record, (one) => {
    assert.deepEqual(plain(decodeRecord(one.id, travelled(encodeRecord(one)))), plain(one));
  }));
});
