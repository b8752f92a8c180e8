import assert from "node:assert/strict";
import { type MintedToken, TokenCache } from "../../../transports/http/token_cache.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

/** A cache of tokens `1`, `2`, … with a lifetime of 1,000 ms. */
function rig(mint?: (count: number) => Promise<MintedToken<string>>) {
  const clock = new FakeClock();
  let minted = 0;
  const cache = new TokenCache<string>({
    clock,
    marginMs: 200,
    minAgeMs: 300,
    backOffMs: 50,
    mint: () => {
      minted++;
      return mint?.(minted) ?? Promise.resolve(token(String(minted)));
    },
  });
  return { clock, cache, minted: () => minted };
}

function token(value: string, lifetimeMs = 1000): MintedToken<string> {
  return { kind: "token", value, lifetimeMs };
}

async function valueOf(cache: TokenCache<string>) {
  const answer = await cache.get();
  return answer.kind === "token" ? answer.value : answer.failure;
}

Deno.test("TokenCache mints once for many callers at the same time", async () => {
  const { cache, minted } = rig();
  const values = await Promise.all(Array.from({ length: 50 }, () => valueOf(cache)));
  assert.deepEqual(new Set(values), new Set(["1"]));
  assert.equal(minted(), 1);
});

Deno.test("TokenCache answers at once while a token is valid", async () => {
  const { cache, clock, minted } = rig();
  await cache.get();
  await clock.advance(700);
  assert.deepEqual(cache.get(), { kind: "token", value: "1" });
  assert.equal(minted(), 1);
});

Deno.test("TokenCache renews within the margin without delaying the caller", async () => {
  const { cache, clock } = rig();
  await cache.get();
  await clock.advance(850);
  assert.deepEqual(cache.get(), { kind: "token", value: "1" });
  await settle();
  assert.deepEqual(cache.get(), { kind: "token", value: "2" });
});

Deno.test("TokenCache goes on with the old token while renewing it fails", async () => {
  const { cache, clock } = rig((count) =>
    count === 1 ? Promise.resolve(token("1")) : Promise.resolve({ kind: "failed", failure: "down" })
  );
  await cache.get();
  await clock.advance(850);
  cache.get();
  await settle();
  assert.equal(await valueOf(cache), "1");
  await clock.advance(200);
  assert.equal(await valueOf(cache), "down");
});

Deno.test("TokenCache counts a lifetime from when the token was asked for", async () => {
  const late = Promise.withResolvers<MintedToken<string>>();
  const { cache, clock } = rig((count) => count === 1 ? late.promise : Promise.resolve(token("2")));
  const first = cache.get();
  await clock.advance(600);
  late.resolve(token("1"));
  await first;
  await clock.advance(400);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache keeps a token until it ends while renewals are suspended", async () => {
  const { cache, clock, minted } = rig();
  await cache.get();
  cache.holdOff(5000);
  await clock.advance(900);
  assert.equal(cache.invalidate("1"), false);
  assert.equal(await valueOf(cache), "1");
  assert.equal(minted(), 1);
  await clock.advance(100);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache waits for a new token once the old one has ended", async () => {
  const { cache, clock } = rig();
  await cache.get();
  await clock.advance(1000);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache counts a jump of the wall clock forward, e.g. after sleep, as age", async () => {
  const { cache, clock } = rig();
  await cache.get();
  clock.jump(5000);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache renews although the wall clock jumps back", async () => {
  const { cache, clock } = rig();
  await cache.get();
  clock.jump(-50_000);
  await clock.advance(1000);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache drops a refused token and mints another", async () => {
  const { cache, clock } = rig();
  await cache.get();
  await clock.advance(300);
  assert.equal(cache.invalidate("1"), true);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache keeps a refused token that is too young for another", async () => {
  const { cache, clock, minted } = rig();
  await cache.get();
  await clock.advance(299);
  assert.equal(cache.invalidate("1"), false);
  assert.equal(await valueOf(cache), "1");
  assert.equal(minted(), 1);
});

Deno.test("TokenCache keeps the new token when the one before it is refused late", async () => {
  const { cache, clock, minted } = rig();
  await cache.get();
  await clock.advance(400);
  cache.invalidate("1");
  await cache.get();
  assert.equal(cache.invalidate("1"), true);
  assert.equal(await valueOf(cache), "2");
  assert.equal(minted(), 2);
});

Deno.test("TokenCache asks a failing endpoint no more often than the backoff allows", async () => {
  const { cache, clock, minted } = rig(() => Promise.resolve({ kind: "failed", failure: "down" }));
  assert.equal(await valueOf(cache), "down");
  await clock.advance(49);
  assert.equal(await valueOf(cache), "down");
  assert.equal(minted(), 1);
  await clock.advance(1);
  assert.equal(await valueOf(cache), "down");
  assert.equal(minted(), 2);
});

Deno.test("TokenCache passes an exception to all callers and does not keep it", async () => {
  const { cache } = rig((count) =>
    count === 1 ? Promise.reject(new Error("bug")) : Promise.resolve(token("2"))
  );
  await assert.rejects(async () => await cache.get(), /bug/);
  assert.equal(await valueOf(cache), "2");
});

Deno.test("TokenCache does not mint for every call where tokens are short-lived", async () => {
  const { cache, clock, minted } = rig((count) => Promise.resolve(token(String(count), 0)));
  await cache.get();
  await clock.advance(20);
  await cache.get();
  assert.equal(minted(), 1);
});

Deno.test("TokenCache says which token was refused when it asks for another", async () => {
  const asked: unknown[] = [];
  const cache = new TokenCache<string>({
    ...{ clock: new FakeClock(), marginMs: 200, minAgeMs: 0, backOffMs: 50 },
    mint(refused) {
      asked.push(refused);
      return Promise.resolve(token(`${asked.length}`));
    },
  });
  await cache.get();
  cache.invalidate("1");
  await cache.get();
  assert.deepEqual(asked, [undefined, "1"]);
});

Deno.test("TokenCache counts the age that a token had on arrival", async () => {
  const { cache, clock } = rig(() =>
    Promise.resolve({ kind: "token", value: "1", lifetimeMs: 1000, ageMs: 200 })
  );
  await cache.get();
  assert.equal(cache.invalidate("1"), false);
  await clock.advance(100);
  assert.equal(cache.invalidate("1"), true);
});
