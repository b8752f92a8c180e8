/** The rules that inboxes keep, whatever store they are in. Each test has users of its own. */

import assert from "node:assert/strict";
import type { Store } from "../../core/store.ts";
import type { Notification } from "../../core/notification.ts";
import { Inbox, type InboxLimits } from "../../inbox/mod.ts";

/** Opens an empty store. The contract disposes of it. */
export type OpenStore = () => Promise<Store>;

const DAY_MS = 86_400_000;
const SEVEN = { context: "1", user: "7" };
const EIGHT = { context: "1", user: "8" };

/** A notification with a rising id. */
function notification(n: number, data = `{"n":${n}}`, user = SEVEN): Notification {
  const id = `0190163d-8694-739b-aea5-${String(n).padStart(12, "0")}`;
  return { id, ...user, topic: "acme:a", data, priority: "high", acceptedAt: 0 };
}

function idsOf(items: readonly { readonly id: string }[]): readonly number[] {
  return items.map(({ id }) => Number(id.slice(-12)));
}

/** Registers one test per rule under the store's name. */
export function inboxContract(name: string, open: OpenStore): void {
  function rule(
    text: string,
    check: (world: {
      readonly inbox: Inbox;
      readonly store: Store;
      readonly clock: { at: number };
      readonly limits: InboxLimits & { maxItems: number };
    }) => Promise<void>,
  ): void {
    Deno.test(`inbox on ${name}: ${text}`, async () => {
      await using store = await open();
      const clock = { at: 1_800_000_000_000 };
      const limits = { maxItems: 5, retentionMs: DAY_MS };
      const inbox = new Inbox({ store, clock: { now: () => clock.at }, limits: () => limits });
      await check({ inbox, store, clock, limits });
    });
  }

  rule("an inbox begins empty", async ({ inbox }) => {
    assert.deepEqual(await inbox.list(SEVEN, { limit: 10 }), { items: [], unread: 0 });
  });

  rule("the newest comes first, with its data as they were published", async ({ inbox, clock }) => {
    const data = '{"b":1,"a":[1,2],"text":"Grüße 🔔"}';
    const [change] = await inbox.add([notification(1), notification(2, data)]);
    assert.deepEqual(change, { ...SEVEN, unread: 2, changed: true });
    const { items, unread } = await inbox.list(SEVEN, { limit: 10 });
    assert.equal(unread, 2);
    assert.deepEqual(items[0], {
      ...{ id: notification(2).id, topic: "acme:a", data, at: clock.at, read: false },
    });
    assert.deepEqual(idsOf(items), [2, 1]);
  });

  rule("a notification that is added twice at once is there once", async ({ inbox }) => {
    await inbox.add([notification(1), notification(1)]);
    assert.deepEqual(idsOf((await inbox.list(SEVEN, { limit: 10 })).items), [1]);
  });

  rule("adding a notification twice changes nothing", async ({ inbox }) => {
    await inbox.add([notification(1)]);
    await inbox.mark(SEVEN, { read: true });
    const [again] = await inbox.add([notification(1)]);
    assert.deepEqual(again, { ...SEVEN, unread: 0, changed: false });
    assert.deepEqual(idsOf((await inbox.list(SEVEN, { limit: 10 })).items), [1]);
  });

  rule("users do not see each other's notifications", async ({ inbox }) => {
    const changes = await inbox.add([notification(1), notification(2, "{}", EIGHT)]);
    assert.deepEqual(changes.map(({ user, unread }) => [user, unread]), [["7", 1], ["8", 1]]);
    assert.deepEqual(idsOf((await inbox.list(EIGHT, { limit: 10 })).items), [2]);
    await inbox.mark(EIGHT, { read: true, ids: [notification(1).id] });
    assert.equal((await inbox.list(SEVEN, { limit: 10 })).unread, 1);
  });

  rule("the oldest go where there are too many, with their content", async ({ inbox, store }) => {
    await inbox.add([1, 2, 3, 4, 5, 6, 7].map((n) => notification(n)));
    assert.deepEqual(idsOf((await inbox.list(SEVEN, { limit: 10 })).items), [7, 6, 5, 4, 3]);
    const key = (n: number) => ["inboxItem", "1", "7", notification(n).id];
    assert.equal(await store.get(key(2)), undefined);
    assert.ok(await store.get(key(3)));
  });

  rule("what is older than the retention is gone, and does not count", async ({ inbox, clock }) => {
    await inbox.add([notification(1)]);
    clock.at += DAY_MS / 2;
    await inbox.add([notification(2)]);
    clock.at += DAY_MS / 2 + 1;
    const { items, unread } = await inbox.list(SEVEN, { limit: 10 });
    assert.deepEqual([idsOf(items), unread], [[2], 1]);
  });

  rule("some, all up to one, and all can be marked, and unmarked", async ({ inbox }) => {
    await inbox.add([1, 2, 3, 4].map((n) => notification(n)));
    const [one, two] = [notification(1).id, notification(2).id];
    assert.equal((await inbox.mark(SEVEN, { read: true, ids: [one, "unknown"] })).unread, 3);
    assert.equal((await inbox.mark(SEVEN, { read: true, upTo: two })).unread, 2);
    assert.equal((await inbox.mark(SEVEN, { read: true, upTo: "unknown" })).changed, false);
    assert.equal((await inbox.mark(SEVEN, { read: true })).unread, 0);
    assert.equal((await inbox.mark(SEVEN, { read: true })).changed, false);
    assert.equal((await inbox.mark(SEVEN, { read: false, ids: [two] })).unread, 1);
    const { items } = await inbox.list(SEVEN, { limit: 10, unreadOnly: true });
    assert.deepEqual(idsOf(items), [2]);
  });

  rule("pages follow each other without a gap", async ({ inbox }) => {
    await inbox.add([1, 2, 3, 4, 5].map((n) => notification(n)));
    const first = await inbox.list(SEVEN, { limit: 2 });
    const second = await inbox.list(SEVEN, { limit: 2, before: first.next! });
    const third = await inbox.list(SEVEN, { limit: 2, before: second.next! });
    assert.deepEqual([first, second, third].map(({ items }) => idsOf(items)), [[5, 4], [3, 2], [
      1,
    ]]);
    assert.equal(third.next, undefined);
    assert.deepEqual((await inbox.list(SEVEN, { limit: 2, before: "gone" })).items, []);
  });

  rule("changes at the same time are all kept", async ({ inbox, store, clock, limits }) => {
    limits.maxItems = 100;
    const other = new Inbox({ store, clock: { now: () => clock.at }, limits: () => limits });
    await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => (n % 2 === 0 ? inbox : other).add([notification(n)])),
    );
    const { items, unread } = await inbox.list(SEVEN, { limit: 100 });
    assert.deepEqual([idsOf(items).toSorted(), unread], [[1, 2, 3, 4, 5, 6, 7, 8], 8]);
  });

  rule("data that are too large for a record are left out", async ({ inbox, store }) => {
    const data = `{"text":"${"x".repeat(store.traits.maxValueBytes)}"}`;
    await inbox.add([notification(1, data)]);
    const [item] = (await inbox.list(SEVEN, { limit: 10 })).items;
    assert.deepEqual([item!.topic, item!.data], ["acme:a", undefined]);
  });
}
