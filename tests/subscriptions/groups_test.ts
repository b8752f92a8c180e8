import assert from "node:assert/strict";
import fc from "fast-check";
import { ServiceError } from "../../core/errors.ts";
import type { Commit, Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { Groups } from "../../subscriptions/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

const SALES = { context: "1", group: "sales" };
const PAGES = { prefix: ["groupPage", "1", "sales"] };

function setUp() {
  const store = new MemoryStore({ clock: new FakeClock() });
  return { store, groups: new Groups(store) };
}

/** Reads all members in pages of so many. */
async function membersOf(groups: Groups, limit = 100): Promise<readonly string[]> {
  const users: string[] = [];
  for (let after: string | undefined;;) {
    const page = await groups.members(SALES, { after, limit });
    assert.ok(page.users.length <= limit && (page.users.length > 0 || page.next === undefined));
    users.push(...page.users);
    if ((after = page.next) === undefined) return users;
  }
}

async function countOf(store: Store, range: Parameters<Store["list"]>[0]): Promise<number> {
  return (await Array.fromAsync(store.list(range))).length;
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `user ${String(n).padStart(6, "0")}`);
}

Deno.test("10,000 members are in few records, which are read in their order", async () => {
  const { store, groups } = setUp();
  await groups.add(SALES, numbered(10_000).toReversed());
  assert.deepEqual(await membersOf(groups, 1_000), numbered(10_000));
  const records = await countOf(store, PAGES);
  assert.ok(records > 10 && records < 50, `${records}`);
});

Deno.test("a group has the members that were added and not removed, in the order of keys", async () => {
  // A few names that collide, and whose order in UTF-8 is not that in UTF-16.
  const name = fc.oneof(
    fc.integer({ min: 0, max: 300 }).map((n) => `${"long name ".repeat(20)}${n}`),
    fc.string({ minLength: 1, maxLength: 3, unit: "binary" })
      // deno-lint-ignore no-control-regex -- names have no control characters
      .filter((text) => !/[\u0000-\u001f\u007f]/.test(text)),
    fc.constantFrom("\u{1f600}", "\uffee", "\ue000a", "\u{10ffff}", "z", "é"),
  );
  const step = fc.record({ adds: fc.boolean(), users: fc.array(name, { maxLength: 200 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), async (
      steps,
      limit,
    ) => {
      const { store, groups } = setUp();
      const expected = new Set<string>();
      for (const { adds, users } of steps) {
        await (adds ? groups.add(SALES, users) : groups.remove(SALES, users));
        for (const user of users) {
          if (adds) expected.add(user);
          else expected.delete(user);
        }
      }
      // The store has the order.
      for (const user of expected) {
        await store.commit({ sets: [{ key: ["order", user], value: 1 }] });
      }
      const inOrder = await Array.fromAsync(store.list({ prefix: ["order"] }));
      assert.deepEqual(await membersOf(groups, limit), inOrder.map(({ key }) => key[1]));
    }),
    { numRuns: 20 },
  );
});

Deno.test("members that an earlier version stored one by one are read, removed and deleted", async () => {
  const { store, groups } = setUp();
  const single = (user: string) => ({ key: ["groupMember", "1", "sales", user], value: 1 });
  await store.commit({ sets: ["a", "c", "e", "g"].map(single) });
  await groups.add(SALES, ["b", "c", "f"]);
  assert.deepEqual(await membersOf(groups, 2), ["a", "b", "c", "e", "f", "g"]);
  await groups.remove(SALES, ["a", "c", "f"]);
  assert.deepEqual(await membersOf(groups), ["b", "e", "g"]);
  await groups.delete(SALES);
  assert.deepEqual(await membersOf(groups), []);
  assert.equal(await countOf(store, { prefix: [] }), 0);
});

Deno.test("changes at the same time do not undo each other", async () => {
  const { groups } = setUp();
  await groups.add(SALES, numbered(2_000));
  const [stays, goes] = [numbered(2_000).slice(0, 1_000), numbered(2_000).slice(1_000)];
  const fresh = numbered(3_000).slice(2_000).map((user) => `${user}a`);
  await Promise.all([
    groups.remove(SALES, goes.slice(0, 600)),
    groups.add(SALES, fresh.slice(0, 500)),
    groups.remove(SALES, goes.slice(600)),
    groups.add(SALES, fresh.slice(500)),
  ]);
  assert.deepEqual(await membersOf(groups), [...stays, ...fresh]);
});

Deno.test("members that others keep changing are a conflict, which may be tried again", async () => {
  const { store, groups } = setUp();
  const commit = store.commit.bind(store);
  store.commit = ({ checks, ...changes }: Commit) =>
    checks ? Promise.resolve(false) : commit(changes);
  await assert.rejects(groups.add(SALES, ["a"]), (thrown) => {
    assert.ok(thrown instanceof ServiceError && thrown.retryAfterSeconds);
    return thrown.code === "conflict";
  });
});

Deno.test("a name as long as one may be fits, and a group loses its last member", async () => {
  const { store, groups } = setUp();
  const users = Array.from({ length: 1_000 }, (_, n) => `${n}${"\uffee".repeat(251)}`);
  await groups.add(SALES, users);
  assert.equal((await membersOf(groups)).length, 1_000);
  await groups.remove(SALES, users);
  assert.equal(await countOf(store, PAGES), 0);
});
