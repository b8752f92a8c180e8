import assert from "node:assert/strict";
import type { Subscription, Target } from "../../core/subscription.ts";
import { request, setup, TOKEN } from "./_setup.ts";

Deno.test("unsubscribing forgets the token on every transport and client, or those named", async () => {
  const { repository } = setup();
  await repository.subscribe(request());
  await repository.subscribe(request({ client: "other" }));
  await repository.subscribe(request({ transport: "gcm" }));
  const who = { context: "1", user: "7", token: TOKEN };
  assert.equal(await repository.unsubscribe({ ...who, transport: "apn", client: "other" }), 1);
  assert.equal(await repository.unsubscribe({ ...who, transport: "apn" }), 1);
  assert.equal(await repository.unsubscribe(who), 1);
});

Deno.test("unsubscribing what is unknown is a success", async () => {
  const { repository } = setup();
  assert.equal(await repository.unsubscribe({ context: "1", user: "7", token: "x" }), 0);
});

Deno.test("a user cannot unsubscribe another user's token", async () => {
  const { repository, reached } = setup();
  await repository.subscribe(request());
  assert.equal(await repository.unsubscribe({ context: "1", user: "8", token: TOKEN }), 0);
  assert.deepEqual(await reached(), [TOKEN]);
});

Deno.test("the last subscription to go leaves nothing in the store", async () => {
  const { repository, store, clock } = setup();
  const { subscription } = await repository.subscribe(
    request({ expiresAt: clock.now() + 1_000 }),
  );
  assert.equal(await repository.delete(subscription.id), true);
  assert.equal(await repository.delete(subscription.id), false);
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: [] })), []);
});

Deno.test("a dead token is removed", async () => {
  const { repository, reached } = setup();
  const { subscription } = await repository.subscribe(request());
  assert.equal(await repository.remove(targetOf(subscription)), true);
  assert.deepEqual(await reached(), []);
  assert.equal(await repository.remove(targetOf(subscription)), false);
});

Deno.test("a token that the client has refreshed since is not removed", async () => {
  const { repository, clock, reached } = setup();
  const { subscription } = await repository.subscribe(request());
  await clock.advance(1);
  await repository.subscribe(request());
  assert.equal(await repository.remove(targetOf(subscription)), false);
  assert.deepEqual(await reached(), [TOKEN]);
});

Deno.test("a token is removed up to the time that the provider named", async () => {
  const { repository } = setup();
  const { subscription } = await repository.subscribe(request());
  const target = targetOf(subscription);
  assert.equal(await repository.remove(target, subscription.refreshedAt - 1), false);
  assert.equal(await repository.remove(target, subscription.refreshedAt), true);
});

Deno.test("a subscription whose token has changed is not removed for the old one", async () => {
  const { repository, reached } = setup();
  const { subscription } = await repository.subscribe(request());
  await repository.replaceToken(targetOf(subscription), "new");
  assert.equal(await repository.remove(targetOf(subscription), Infinity), false);
  assert.deepEqual(await reached(), ["new"]);
});

Deno.test("a canonical id replaces the token", async () => {
  const { repository, reached } = setup();
  const { subscription } = await repository.subscribe(request());
  await reached();
  assert.equal(await repository.replaceToken(targetOf(subscription), "new"), "replaced");
  assert.deepEqual(await reached(), ["new"]);
  assert.equal((await repository.get(subscription.id))?.token, "new");
  // The new token is owned now: another user who subscribes it takes it over.
  await repository.subscribe(request({ user: "8", token: "new" }));
  assert.deepEqual(await reached(), []);
});

Deno.test("a canonical id that is subscribed already drops the old token", async () => {
  const { repository, reached } = setup();
  const { subscription } = await repository.subscribe(request());
  await repository.subscribe(request({ token: "new" }));
  assert.equal(await repository.replaceToken(targetOf(subscription), "new"), "dropped");
  assert.deepEqual(await reached(), ["new"]);
});

Deno.test("a canonical id for a subscription that is gone changes nothing", async () => {
  const { repository, store } = setup();
  const { subscription } = await repository.subscribe(request());
  await repository.delete(subscription.id);
  assert.equal(await repository.replaceToken(targetOf(subscription), "new"), "unchanged");
  assert.equal(await repository.replaceToken(targetOf(subscription), TOKEN), "unchanged");
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: [] })), []);
});

Deno.test("housekeeping removes expired subscriptions only", async () => {
  const { repository, clock, store } = setup();
  for (let user = 0; user < 3; user++) {
    const who = { user: String(user) };
    await repository.subscribe(
      request({ ...who, token: `a${user}`, expiresAt: clock.now() + 1_000 }),
    );
    await repository.subscribe(
      request({ ...who, token: `b${user}`, expiresAt: clock.now() + 1_001 }),
    );
  }
  assert.equal(await repository.sweepExpired(clock.now() + 999), 0);
  assert.equal(await repository.sweepExpired(clock.now() + 1_000), 3);
  assert.equal((await repository.list({})).items.length, 3);
  assert.equal(await repository.sweepExpired(clock.now() + 5_000), 3);
  assert.deepEqual(await Array.fromAsync(store.list({ prefix: [] })), []);
});

Deno.test("housekeeping keeps a subscription that was refreshed with a later expiry", async () => {
  const { repository, clock, reached } = setup();
  await repository.subscribe(request({ expiresAt: clock.now() + 1_000 }));
  await repository.subscribe(request({ expiresAt: clock.now() + 9_000 }));
  assert.equal(await repository.sweepExpired(clock.now() + 1_000), 0);
  assert.deepEqual(await reached(), [TOKEN]);
});

function targetOf(subscription: Subscription): Target {
  const { context, user, client, transport, token, refreshedAt, id } = subscription;
  return { context, user, client, transport, token, refreshedAt, subscriptionId: id };
}
