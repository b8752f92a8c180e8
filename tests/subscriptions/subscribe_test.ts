import assert from "node:assert/strict";
import type { ErrorCode } from "../../core/errors.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import { settle } from "../support/fake_clock.ts";
import { request, setup, TOKEN } from "./_setup.ts";

Deno.test("a new subscription matches at once, even where its user was cached without any", async () => {
  const { repository, reached } = setup();
  assert.deepEqual(await reached(), []);
  const { created, subscription } = await repository.subscribe(request());
  assert.equal(created, true);
  assert.deepEqual(await reached(), [TOKEN]);
  assert.deepEqual(await repository.get(subscription.id), subscription);
});

Deno.test("subscribing again replaces topics and keeps the id", async () => {
  const { repository, clock } = setup();
  const first = await repository.subscribe(request({ expiresAt: clock.now() + 5_000 }));
  await clock.advance(1_000);
  const second = await repository.subscribe(request({ topics: ["ox:calendar:updates"] }));
  assert.equal(second.created, false);
  assert.deepEqual(second.subscription, {
    ...request({ topics: ["ox:calendar:updates"] }),
    id: first.subscription.id,
    createdAt: first.subscription.createdAt,
    refreshedAt: first.subscription.createdAt + 1_000,
  });
  assert.equal((await repository.list({})).items.length, 1);
});

Deno.test("the last subscriber of a token wins, across contexts too", async () => {
  const { repository, reached } = setup();
  const { subscription } = await repository.subscribe(request());
  await reached();
  await repository.subscribe(request({ context: "2", user: "9" }));
  assert.deepEqual(await reached(), []);
  assert.deepEqual(await reached("ox:mail:new", "9", "2"), [TOKEN]);
  assert.equal(await repository.get(subscription.id), undefined);
});

Deno.test("a token of another client or transport is another token", async () => {
  const { repository, reached } = setup();
  await repository.subscribe(request());
  await repository.subscribe(request({ user: "8", client: "other" }));
  await repository.subscribe(request({ user: "9", transport: "gcm" }));
  for (const user of ["7", "8", "9"]) assert.deepEqual(await reached("ox:mail:new", user), [TOKEN]);
});

Deno.test("two users who subscribe one token at the same time do not both get it", async () => {
  const { repository, reached, clock } = setup();
  await repository.subscribe(request({ user: "1" }));
  const users = ["2", "3", "4", "5"];
  const all = users.map((user) => repository.subscribe(request({ user })));
  await clock.advance(10_000);
  await Promise.all(all);
  const hits = await Promise.all(["1", ...users].map((user) => reached("ox:mail:new", user)));
  assert.equal(hits.flat().length, 1);
  assert.equal((await repository.list({})).items.length, 1);
});

Deno.test("subscriptions of one user made at the same time are all kept", async () => {
  const { repository, reached, clock } = setup();
  const tokens = ["a", "b", "c", "d"];
  const all = tokens.map((token) => repository.subscribe(request({ token })));
  await clock.advance(10_000);
  await Promise.all(all);
  assert.deepEqual((await reached()).sort(), tokens);
});

Deno.test("'*' stands for every topic beside it, and duplicates are dropped", async () => {
  const { repository } = setup();
  const all = await repository.subscribe(request({ topics: ["ox:mail:new", "*", "ox:x"] }));
  assert.deepEqual(all.subscription.topics, ["*"]);
  const twice = await repository.subscribe(request({ topics: ["a", "b", "a"] }));
  assert.deepEqual(twice.subscription.topics, ["a", "b"]);
});

Deno.test("an invalid topic is named by its index", async () => {
  const { repository } = setup();
  await assert.rejects(
    repository.subscribe(request({ topics: ["ox", "ox.mail", "a:*:b"] })),
    (error) => {
      assert.ok(error instanceof ServiceError);
      assert.equal(error.code, "invalid_topic");
      assert.deepEqual(error.faults.map(({ path }) => path), ["topics[1]", "topics[2]"]);
      return true;
    },
  );
});

const REFUSED: readonly [string, Parameters<typeof request>[0], string][] = [
  ["no topics", { topics: [] }, "topics"],
  ["65 topics", { topics: Array.from({ length: 65 }, (_, n) => `t${n}`) }, "topics"],
  ["an empty token", { token: "" }, "token"],
  ["a token of 4,097 characters", { token: "x".repeat(4097) }, "token"],
  ["a client of 65 characters", { client: "c".repeat(65) }, "client"],
  ["a user with a NUL", { user: "a\u0000b" }, "user"],
  ["a context of 256 characters", { context: "c".repeat(256) }, "context"],
  ["a time of expiry in the past", { expiresAt: 1 }, "expires"],
  ["a fractional time of expiry", { expiresAt: 1e13 + 0.5 }, "expires"],
  ["too much meta", { meta: { text: "x".repeat(2048) } }, "meta"],
];
for (const [what, changes, path] of REFUSED) {
  Deno.test(`${what} is refused and nothing is stored`, async () => {
    const { repository, store } = setup();
    await assert.rejects(repository.subscribe(request(changes)), (error) => {
      assert.ok(error instanceof ServiceError);
      assert.equal(error.code, "invalid_request");
      assert.deepEqual(error.faults.map((fault) => fault.path), [path]);
      return true;
    });
    assert.deepEqual(await Array.fromAsync(store.list({ prefix: [] })), []);
  });
}

Deno.test("one more than the maximum is refused, while known tokens may be refreshed", async () => {
  const { repository } = setup({ maxPerUser: 2 });
  await repository.subscribe(request({ token: "a" }));
  await repository.subscribe(request({ token: "b" }));
  await assert.rejects(
    repository.subscribe(request({ token: "c" })),
    code("too_many_subscriptions"),
  );
  await repository.subscribe(request({ token: "a", topics: ["*"] }));
});

Deno.test("what has expired does not count towards the maximum", async () => {
  const { repository, clock, reached } = setup({ maxPerUser: 1 });
  await repository.subscribe(request({ token: "a", expiresAt: clock.now() + 1_000 }));
  await clock.advance(1_000);
  await repository.subscribe(request({ token: "b" }));
  assert.deepEqual(await reached(), ["b"]);
});

Deno.test("a user's subscriptions stay within what one record may hold", async () => {
  const { repository, store } = setup({ maxPerUser: 1_000 });
  const endpoint = `https://push.example/${"€".repeat(1_000)}`;
  let stored = 0;
  await assert.rejects(async () => {
    for (; stored < 1_000; stored++) {
      await repository.subscribe(request({ transport: "webpush", token: `${endpoint}${stored}` }));
    }
  }, code("too_many_subscriptions"));
  assert.ok(stored > 20 && stored < 40, `${stored} were stored`);
  assert.ok(await store.get(["subscriptions", "1", "7"]));
});

Deno.test("endless concurrent changes of a user end in a conflict", async () => {
  const { repository, clock } = setup({ wrap: neverCommitting });
  const failed = assert.rejects(repository.subscribe(request()), code("conflict"));
  await clock.advance(60_000);
  await failed;
});

Deno.test("a failed write leaves the cache correct", async () => {
  let broken = false;
  const { repository, reached } = setup({
    wrap: (store) =>
      intercepted(store, {
        commit: (commit) =>
          broken
            ? Promise.reject(new ServiceError("store_unavailable", "Cannot write"))
            : store.commit(commit),
      }),
  });
  await repository.subscribe(request({ token: "a" }));
  broken = true;
  await assert.rejects(repository.subscribe(request({ token: "b" })), code("store_unavailable"));
  assert.deepEqual(await reached(), ["a"]);
});

Deno.test("a read that began before a change does not hide it afterwards", async () => {
  let release: (() => void) | undefined;
  let hold = false;
  const { repository, matcher, reached } = setup({
    wrap: (store) =>
      intercepted(store, {
        async getMany(keys) {
          const entries = await store.getMany(keys);
          if (hold) await new Promise<void>((resolve) => release = resolve);
          return entries as never;
        },
      }),
  });
  hold = true;
  const before = matcher.match({ context: "1", user: "7", topic: "ox:mail:new" }, []);
  await settle();
  hold = false;
  await repository.subscribe(request());
  release?.();
  assert.deepEqual(await before, []);
  assert.deepEqual(await reached(), [TOKEN]);
});

function neverCommitting(store: Store): Store {
  return intercepted(store, { commit: () => Promise.resolve(false) });
}

function intercepted(store: Store, methods: Partial<Store>): Store {
  return {
    traits: store.traits,
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    list: (range) => store.list(range),
    commit: (commit) => store.commit(commit),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    ...methods,
  };
}

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ServiceError && error.code === expected;
}

Deno.test("onChanged names each user whose subscriptions changed, or may have changed", async () => {
  const changes: unknown[] = [];
  let fails = false;
  const { repository } = setup({
    onChanged: (change) => changes.push(change),
    wrap: (store) =>
      intercepted(store, {
        commit: (commit) => fails ? Promise.reject(new Error("no answer")) : store.commit(commit),
      }),
  });
  const seven = { kind: "subscriptions", context: "1", user: "7" };
  await repository.subscribe(request());
  assert.deepEqual(changes, [seven]);
  await repository.subscribe(request({ user: "8" }));
  assert.deepEqual(changes.slice(1), [{ ...seven, user: "8" }, seven]);
  fails = true;
  await assert.rejects(repository.unsubscribe({ context: "1", user: "8", token: TOKEN }));
  assert.deepEqual(changes.slice(3), [{ ...seven, user: "8" }]);
});
