import assert from "node:assert/strict";
import fc from "fast-check";
import type { StoreKey } from "../../core/store.ts";
import { CandidateCache } from "../../subscriptions/mod.ts";
import { request, setup, TOKEN } from "./_setup.ts";

const MAIL = { context: "1", user: "7", topic: "ox:mail:new" };

Deno.test("a cached user is matched synchronously", async () => {
  const { matcher, repository } = setup();
  await repository.subscribe(request());
  assert.ok(matcher.match(MAIL, []) instanceof Promise);
  await matcher.match(MAIL, []);
  assert.ok(Array.isArray(matcher.match(MAIL, [])));
});

Deno.test("open sockets of interested clients are targets, too", async () => {
  const { matcher, repository } = setup();
  await repository.subscribe(request());
  const connected = ["open-xchange-appsuite", "another"];
  const targets = await matcher.match(MAIL, connected);
  assert.deepEqual(
    targets.map(({ transport, client, token }) => [transport, client, token]),
    [["websocket", "open-xchange-appsuite", ""], ["apn", "myiosclient", TOKEN]],
  );
  assert.deepEqual(await matcher.match({ ...MAIL, topic: "ox:calendar:updates" }, connected), []);
});

Deno.test("a target carries what the delivery needs of its subscription", async () => {
  const { matcher, repository } = setup();
  const { subscription } = await repository.subscribe(request());
  assert.deepEqual(await matcher.match(MAIL, []), [{
    context: "1",
    user: "7",
    client: "myiosclient",
    transport: "apn",
    token: TOKEN,
    subscriptionId: subscription.id,
    refreshedAt: subscription.refreshedAt,
  }]);
});

Deno.test("a subscription matches until it expires", async () => {
  const { repository, clock, reached } = setup();
  await repository.subscribe(request({ expiresAt: clock.now() + 1_000 }));
  await clock.advance(999);
  assert.deepEqual(await reached(), [TOKEN]);
  await clock.advance(1);
  assert.deepEqual(await reached(), []);
});

Deno.test("an underscore in a prefix stands for itself", async () => {
  const { repository, reached } = setup();
  await repository.subscribe(request({ topics: ["my_app:*"] }));
  assert.deepEqual(await reached("my_app:x"), [TOKEN]);
  assert.deepEqual(await reached("myXapp:x"), []);
});

Deno.test("the same user id in another context is another user", async () => {
  const { repository, reached } = setup();
  await repository.subscribe(request());
  assert.deepEqual(await reached("ox:mail:new", "7", "2"), []);
});

Deno.test("prefetch reads many users at once, and only those that are not cached", async () => {
  const { repository, matcher, candidates, store } = setup();
  await repository.subscribe(request());
  const reads: (readonly StoreKey[])[] = [];
  const getMany = store.getMany.bind(store);
  store.getMany = (keys) => (reads.push(keys), getMany(keys));
  const users = ["7", "8", "9", "8"].map((user) => ({ context: "1", user }));
  await Promise.all([matcher.prefetch(users), matcher.prefetch(users)]);
  await matcher.prefetch([...users, { context: "2", user: "7" }]);
  assert.deepEqual(reads.map((keys) => keys.length), [3, 1]);
  assert.deepEqual(candidates.peek("1", "8"), []);
  assert.deepEqual((matcher.match(MAIL, []) as readonly unknown[]).length, 1);
});

Deno.test("the next match repeats a failed read", async () => {
  const { store, matcher, repository, reached } = setup();
  await repository.subscribe(request());
  const getMany = store.getMany;
  store.getMany = () => Promise.reject(new Error("down"));
  await assert.rejects(Promise.resolve(matcher.match(MAIL, [])), /down/);
  await assert.rejects(matcher.prefetch([MAIL]), /down/);
  store.getMany = getMany;
  assert.deepEqual(await reached(), [TOKEN]);
});

Deno.test("the cache drops unused users, and never exceeds its limit", async () => {
  const { store } = setup();
  const cache = new CandidateCache(store, { maxEntries: 100 });
  const users = Array.from({ length: 1_000 }, (_, user) => String(user));
  for (const user of users) {
    await cache.load({ context: "1", user });
    // One user is requested all the time, and so must stay.
    if (user !== "0") assert.ok(cache.peek("1", "0"));
  }
  const kept = users.filter((user) => cache.peek("1", user) !== undefined);
  assert.ok(kept.length <= 101, `${kept.length} were kept`);
});

Deno.test("matching agrees with a plain list for any sequence of operations", async () => {
  const word = fc.constantFrom("a", "b", "a_b", "aXb");
  const topic = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(":"));
  const pattern = fc.oneof(
    topic,
    topic.map((name) => `${name}:*`),
    fc.constant("*"),
  );
  const user = fc.constantFrom("1", "2");
  const token = fc.constantFrom("t1", "t2", "t3");
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("subscribe" as const),
      user,
      token,
      topics: fc.array(pattern, { minLength: 1, maxLength: 3 }),
      expiresInMs: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant("unsubscribe" as const), user, token }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ kind: fc.constant("sweep" as const) }),
    fc.record({ kind: fc.constant("match" as const), user, topic }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { repository, clock, reached } = setup();
      let model: { user: string; token: string; topics: string[]; end: number }[] = [];
      for (const step of steps) {
        if (step.kind === "subscribe") {
          const end = clock.now() + (step.expiresInMs ?? Infinity);
          const { user, token, topics } = step;
          await repository.subscribe(
            request({ user, token, topics, ...(end === Infinity ? {} : { expiresAt: end }) }),
          );
          model = [...model.filter((one) => one.token !== token), { user, token, topics, end }];
        } else if (step.kind === "unsubscribe") {
          await repository.unsubscribe({ context: "1", user: step.user, token: step.token });
          model = model.filter((one) => one.user !== step.user || one.token !== step.token);
        } else if (step.kind === "wait") {
          clock.jump(step.ms);
        } else if (step.kind === "sweep") {
          await repository.sweepExpired(clock.now());
        } else {
          const expected = model.filter((one) =>
            one.user === step.user && one.end > clock.now() &&
            one.topics.some((pattern) => covers(pattern, step.topic))
          );
          assert.deepEqual(
            (await reached(step.topic, step.user)).sort(),
            expected.map((one) => one.token).sort(),
          );
        }
      }
    }),
    { numRuns: 150 },
  );
});

/** The documented rule, written independently of the code under test. */
function covers(pattern: string, topic: string): boolean {
  const parts = pattern.split(":");
  const words = topic.split(":");
  if (parts.at(-1) !== "*") return pattern === topic;
  return words.length >= parts.length &&
    parts.slice(0, -1).every((part, index) => part === words[index]);
}
