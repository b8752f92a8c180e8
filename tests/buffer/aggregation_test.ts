import assert from "node:assert/strict";
import fc from "fast-check";
import { aggregationKey, merge } from "../../buffer/mod.ts";
import type { Json } from "../../core/json.ts";
import { type Notification, parseData } from "../../core/notification.ts";

function make(fields: Partial<Notification>): Notification {
  return {
    id: "id",
    context: "1",
    user: "3",
    topic: "chat:message",
    data: JSON.stringify({}),
    priority: "high",
    acceptedAt: 0,
    ...fields,
  };
}

function similar(a: Partial<Notification>, b: Partial<Notification>): boolean {
  return aggregationKey(make(a)) === aggregationKey(make(b));
}

Deno.test("equal data are similar whatever the order of their keys", () => {
  assert.ok(
    similar({ data: JSON.stringify({ a: 1, b: { c: 2, d: 3 } }) }, {
      data: JSON.stringify({ b: { d: 3, c: 2 }, a: 1 }),
    }),
  );
  assert.ok(!similar({ data: JSON.stringify({ a: 1 }) }, { data: JSON.stringify({ a: "1" }) }));
});

Deno.test("notifications with another user, context, topic or source token are never similar", () => {
  const base = { data: JSON.stringify({ a: 1 }), sourceToken: "s" };
  for (const other of [{ user: "4" }, { context: "2" }, { topic: "x" }, { sourceToken: "t" }]) {
    assert.ok(!similar(base, { ...base, ...other }), JSON.stringify(other));
  }
});

Deno.test("no two users share a key, whatever their names", () => {
  const name = fc.string().map((text) => text.replaceAll("\u0000", ""));
  fc.assert(fc.property(name, name, name, name, (context, user, context2, user2) => {
    const same = context === context2 && user === user2;
    assert.equal(similar({ context, user }, { context: context2, user: user2 }), same);
  }));
});

Deno.test("notifications of the same mail in a folder are similar, whatever their other fields", () => {
  const topic = "ox:mail:new";
  const mail = { folder: "default0/INBOX", id: "113" };
  assert.ok(
    similar({ topic, data: JSON.stringify({ ...mail, unread: 1 }) }, {
      topic,
      data: JSON.stringify({ ...mail, unread: 2 }),
    }),
  );
  assert.ok(
    !similar({ topic, data: JSON.stringify(mail) }, {
      topic,
      data: JSON.stringify({ ...mail, id: "114" }),
    }),
  );
  assert.ok(
    !similar({ topic, data: JSON.stringify({ folder: "a" }) }, {
      topic,
      data: JSON.stringify({ folder: "b" }),
    }),
  );
});

Deno.test("calendar updates become the union of their folders and invitations", () => {
  const topic = "ox:calendar:updates";
  const older = make({
    topic,
    data: JSON.stringify({ folders: ["cal://0/30", "cal://0/31"], needsAction: ["e1"] }),
  });
  const newer = make({ topic, data: JSON.stringify({ folders: ["cal://0/31", "cal://0/32"] }) });
  assert.equal(aggregationKey(older), aggregationKey(newer));
  assert.deepEqual(parseData(merge(older, newer)), {
    folders: ["cal://0/30", "cal://0/31", "cal://0/32"],
    needsAction: ["e1"],
  });
});

Deno.test("calendar data of an unknown shape are compared as a whole and merged without a crash", () => {
  const topic = "ox:calendar:updates";
  assert.ok(
    !similar({ topic, data: JSON.stringify({ folders: "all" }) }, {
      topic,
      data: JSON.stringify({ folders: ["a"] }),
    }),
  );
  const odd = make({ topic, data: JSON.stringify({ folders: "all" }) });
  assert.deepEqual(parseData(merge(odd, odd)), { folders: "all" });
});

Deno.test("with a collapse key, only the key decides, and the newest data win", () => {
  const older = make({ collapseKey: "k", data: JSON.stringify({ n: 1 }) });
  const newer = make({ collapseKey: "k", data: JSON.stringify({ n: 2 }), id: "newer" });
  assert.equal(aggregationKey(older), aggregationKey(newer));
  assert.deepEqual([parseData(merge(older, newer)), merge(older, newer).id], [{ n: 2 }, "newer"]);
  assert.ok(!similar({ collapseKey: "k" }, { collapseKey: "l" }));
});

Deno.test("merging keeps the more urgent priority and the later expiry", () => {
  const merged = merge(
    make({ priority: "medium", expiresAt: 50 }),
    make({ priority: "low", expiresAt: 20 }),
  );
  assert.deepEqual([merged.priority, merged.expiresAt], ["medium", 50]);
  assert.equal(merge(make({}), make({ expiresAt: 20 })).expiresAt, undefined);
});

Deno.test("the union of calendar updates does not depend on the order of merging", () => {
  const folders = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
  const update = fc.record({ folders, needsAction: folders }, { requiredKeys: [] });
  const topic = "ox:calendar:updates";
  fc.assert(fc.property(fc.array(update, { minLength: 1 }), (updates) => {
    const merged = parseData(
      updates.map((data) => make({ topic, data: JSON.stringify(data) })).reduce(merge),
    );
    for (const field of ["folders", "needsAction"] as const) {
      const expected = new Set<Json>(updates.flatMap((data) => data[field] ?? []));
      assert.deepEqual(new Set(merged[field] as Json[] ?? []), expected);
      assert.equal((merged[field] as Json[] ?? []).length, expected.size);
    }
  }));
});
