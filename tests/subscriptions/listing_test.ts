import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import type { ListQuery } from "../../subscriptions/mod.ts";
import { request, setup } from "./_setup.ts";

type Repository = ReturnType<typeof setup>["repository"];

Deno.test("pages of any size make up the whole list, each item once", async () => {
  const { repository } = await filled();
  const whole = await repository.list({});
  assert.equal(whole.items.length, 12);
  assert.equal(whole.cursor, undefined);
  for (const limit of [1, 2, 5, 11, 12]) {
    assert.deepEqual(await allPages(repository, { limit }), whole.items);
  }
});

Deno.test("a list can be narrowed to a context and to a user", async () => {
  const { repository } = await filled();
  const context = await allPages(repository, { context: "2", limit: 2 });
  assert.equal(context.length, 6);
  assert.ok(context.every((one) => one.context === "2"));
  const user = await allPages(repository, { context: "2", user: "1", limit: 1 });
  assert.deepEqual(user.map(({ token }) => token), ["2-1-0", "2-1-1", "2-1-2"]);
});

Deno.test("a cursor still works after its item has gone", async () => {
  const { repository } = await filled();
  const whole = (await repository.list({})).items;
  const first = await repository.list({ limit: 4 });
  await repository.delete(whole[3]!.id);
  const rest = await repository.list({ cursor: first.cursor! });
  assert.deepEqual(rest.items, whole.slice(4));
});

Deno.test("what has expired is not listed and not found", async () => {
  const { repository, clock } = setup();
  const { subscription } = await repository.subscribe(
    request({ expiresAt: clock.now() + 1_000 }),
  );
  await clock.advance(1_000);
  assert.deepEqual(await repository.list({}), { items: [] });
  assert.equal(await repository.get(subscription.id), undefined);
});

for (const cursor of ["", "x", "W10", "bnVsbA", "WzEsMiwzXQ", "💥"]) {
  Deno.test(`the cursor '${cursor}' is refused`, async () => {
    const { repository } = setup();
    await assert.rejects(repository.list({ cursor }), invalid);
  });
}

Deno.test("a cursor of another context's list is refused", async () => {
  const { repository } = await filled();
  const { cursor } = await repository.list({ context: "1", limit: 1 });
  await assert.rejects(repository.list({ context: "2", cursor: cursor! }), invalid);
});

Deno.test("a user without a context is refused rather than ignored", async () => {
  const { repository } = await filled();
  await assert.rejects(repository.list({ user: "1" }), invalid);
});

Deno.test("an unknown id is not found", async () => {
  const { repository } = setup();
  assert.equal(await repository.get("nothing"), undefined);
});

async function filled() {
  const parts = setup();
  for (const context of ["1", "2"]) {
    for (const user of ["0", "1"]) {
      for (let n = 0; n < 3; n++) {
        await parts.repository.subscribe(
          request({ context, user, token: `${context}-${user}-${n}` }),
        );
      }
    }
  }
  return parts;
}

async function allPages(repository: Repository, query: ListQuery) {
  const items = [];
  let cursor: string | undefined;
  do {
    const page = await repository.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    assert.ok(page.items.length <= (query.limit ?? 100));
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

function invalid(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "invalid_request";
}
