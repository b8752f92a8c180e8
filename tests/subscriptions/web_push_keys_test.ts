import assert from "node:assert/strict";
import { documentKey, earlierTokenKeys } from "../../subscriptions/_records.ts";
import { request, setup } from "./_setup.ts";

const BROWSER = { transport: "webpush", client: "page" } as const;
const PLAIN = tokenOf();
const WITH_KEY = tokenOf("BKey1");

/** The canonical text of a browser's subscription. */
function tokenOf(applicationServerKey?: string): string {
  return JSON.stringify({
    endpoint: "https://push.example/1",
    keys: { p256dh: "p", auth: "a" },
    ...applicationServerKey !== undefined && { applicationServerKey },
  });
}

Deno.test("a page that starts to send its key replaces its subscription", async () => {
  const { repository, reached } = setup();
  const { subscription } = await repository.subscribe(request({ ...BROWSER, token: PLAIN }));
  const repeated = await repository.subscribe(request({ ...BROWSER, token: WITH_KEY }));
  assert.deepEqual([repeated.created, repeated.subscription.id], [false, subscription.id]);
  assert.deepEqual(await reached(), [WITH_KEY]);
});

Deno.test("a key that a page has sent is kept where it sends none later", async () => {
  const { repository, reached } = setup();
  await repository.subscribe(request({ ...BROWSER, token: WITH_KEY }));
  await repository.subscribe(request({ ...BROWSER, token: PLAIN }));
  assert.deepEqual(await reached(), [WITH_KEY]);
  await repository.subscribe(request({ ...BROWSER, token: tokenOf("BKey2") }));
  assert.deepEqual(await reached(), [tokenOf("BKey2")]);
});

Deno.test("a browser is taken over and unsubscribed with or without its key", async () => {
  const { repository, reached } = setup();
  await repository.subscribe(request({ ...BROWSER, token: WITH_KEY }));
  await repository.subscribe(request({ ...BROWSER, user: "8", token: PLAIN }));
  assert.deepEqual(await reached(), []);
  assert.equal(
    await repository.unsubscribe({ context: "1", user: "8", token: WITH_KEY }),
    1,
  );
});

Deno.test("a subscription stored by an earlier version is found, replaced and removed", async () => {
  const { repository, reached, store } = setup();
  const owner = { context: "1", user: "7" };
  const name = { ...BROWSER, token: WITH_KEY };
  const [earlier] = earlierTokenKeys(name);
  const stored = { ...name, id: "s1", topics: ["ox:mail:*"], createdAt: 1, refreshedAt: 1 };
  await store.commit({
    sets: [
      { key: documentKey(owner), value: { v: 1, subscriptions: [stored] } },
      { key: ["subscriptionId", "s1"], value: { v: 1, ...owner } },
      { key: earlier!, value: { v: 1, ...owner } },
    ],
  });
  assert.deepEqual(await reached(), [WITH_KEY]);
  await repository.subscribe(request({ ...name, user: "8" }));
  assert.deepEqual(await reached(), []);
  assert.deepEqual(await reached("ox:mail:new", "8"), [WITH_KEY]);
  assert.equal(await store.get(earlier!), undefined);
});
