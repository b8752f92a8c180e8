import assert from "node:assert/strict";
import { generateKeyPair } from "jose";
import { type Clock, systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { SharedToken } from "../../core/shared_tokens.ts";
import { openLink } from "../../redis/mod.ts";
import { createSharedTokens } from "../../redis/shared/shared_tokens.ts";
import { createProviderToken } from "../../transports/apn/provider_token.ts";
import { createWnsTransport, type WnsOptions } from "../../transports/wns/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import { until } from "../support/until.ts";
import { mailMessage, realDeps, startProvider, targetOf } from "../transports/gcm/fake_provider.ts";
import { makeCertificate } from "../support/certificate.ts";

const redis = sharedRedis();
const SECRET = "only holders of the credential know this";
const MINUTE = 60_000;
let names = 0;

/** The shared tokens of one node. */
async function node({ clock = systemClock }: { readonly clock?: Clock } = {}) {
  const random = Math.random;
  const link = await openLink(redis().url, { clock: systemClock, random, timeoutMs: 300 });
  return {
    link,
    tokens: createSharedTokens({ link, clock, random, log: silentLog }),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

type Node = Awaited<ReturnType<typeof node>>;

/** Tokens `<name> 1`, `<name> 2`, … that last for an hour. */
function source(name = `test ${names++}`) {
  let made = 0;
  const refused = new Set<string>();
  function ask(
    { tokens }: Node,
    { secret = SECRET, make = () => Promise.resolve(fresh()) }: {
      readonly secret?: string;
      readonly make?: () => Promise<SharedToken | undefined>;
    } = {},
  ) {
    const usable = ({ value }: SharedToken) => !refused.has(value);
    return tokens.get(name, { secret, usable, make });
  }
  function fresh(): SharedToken {
    const madeAt = Date.now();
    return { value: `${name} token ${++made}`, madeAt, expiresAt: madeAt + 60 * MINUTE };
  }
  return { ask, fresh, refused, made: () => made };
}

redisTest("nodes get the token that one of them has made", async () => {
  await using a = await node();
  await using b = await node();
  const { ask, made } = source();
  assert.deepEqual(await ask(b), await ask(a));
  assert.equal(made(), 1);
});

redisTest("one of many nodes that want a token at the same time makes it", async () => {
  await using a = await node();
  await using b = await node();
  await using c = await node();
  const { ask, fresh, made } = source();
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return fresh();
  };
  const all = await Promise.all(
    [a, b, c, a, b, c].map((each) => ask(each, { make: slow })),
  );
  assert.equal(new Set(all.map((each) => each?.value)).size, 1);
  assert.equal(made(), 1);
});

redisTest("a token that was refused is replaced once", async () => {
  await using a = await node();
  await using b = await node();
  const { ask, made, refused } = source();
  refused.add((await ask(a))!.value);
  const replaced = await Promise.all([ask(a), ask(b), ask(b)]);
  assert.equal(new Set(replaced.map((each) => each!.value)).size, 1);
  assert.equal(made(), 2);
});

redisTest("the token cannot be read from Redis, nor with another secret", async () => {
  await redis().flush();
  await using a = await node();
  const { ask, made } = source();
  const { value } = (await ask(a))!;
  const keys = (await redis().cli("keys", "*")).split("\n");
  assert.equal(keys.length, 1);
  const stored = await redis().cli("get", keys[0]!);
  for (const text of [stored, atob(stored.replaceAll("-", "+").replaceAll("_", "/")), keys[0]!]) {
    assert.ok(!text.includes(value) && !text.includes(SECRET));
  }
  assert.notEqual((await ask(a, { secret: "another" }))!.value, value);
  assert.equal(made(), 2);
  assert.equal((await ask(a))!.value, value, "the other one is not in its place");
});

redisTest("a text that is no token of this service is replaced", async () => {
  await redis().flush();
  await using a = await node();
  const { ask, made } = source();
  await ask(a);
  const key = await redis().cli("keys", "*");
  await redis().cli("set", key, "garbage");
  assert.ok(await ask(a));
  assert.equal(made(), 2);
  await ask(a);
  assert.equal(made(), 2);
});

redisTest("a token is not kept beyond its expiry", async () => {
  await redis().flush();
  await using a = await node();
  const { ask, fresh } = source();
  await ask(a, { make: () => Promise.resolve({ ...fresh(), expiresAt: Date.now() + 200 }) });
  await until("Redis is empty", async () => await redis().cli("dbsize") === "0");
});

redisTest("a node that cannot make a token leaves that to the next one at once", async () => {
  await using a = await node();
  await using b = await node();
  const { ask, made } = source();
  assert.equal(await ask(a, { make: () => Promise.resolve(undefined) }), undefined);
  await assert.rejects(ask(a, { make: () => Promise.reject(new Error("broken")) }), /broken/);
  const started = performance.now();
  assert.ok(await ask(b));
  assert.ok(performance.now() - started < 500);
  assert.equal(made(), 1);
});

redisTest("a node does not wait for ever for one that died while it made a token", async () => {
  const clock = new FakeClock();
  await using a = await node();
  await using b = await node({ clock });
  const { ask, made } = source();
  void ask(a, { make: () => new Promise(() => {}) });
  await until("a has the lock", async () => (await redis().cli("keys", "*lock")) !== "");
  let got: SharedToken | undefined;
  void ask(b).then((token) => got = token);
  await until("b gives up waiting", async () => {
    await clock.advance(100);
    return got !== undefined;
  });
  assert.ok(clock.monotonic() >= 5_000 && clock.monotonic() < 6_000);
  assert.equal(made(), 1);
});

redisTest("a node makes its own token while Redis is unavailable", async () => {
  await using a = await node();
  const { ask, made } = source();
  await ask(a);
  await redis().kill();
  await until("the link is down", () => !a.link.isUp);
  assert.ok(await ask(a));
  assert.equal(made(), 2);
  await redis().start();
});

redisTest("all nodes share one APNs provider token until it must be renewed", async () => {
  await using a = await node();
  await using b = await node();
  const { privateKey } = await generateKeyPair("ES256");
  // The tokens' own time; Redis keeps them by its own, which begins now.
  const clock = new FakeClock(Date.now());
  const credential = { key: privateKey, keyId: "ABC1234567", teamId: "TEAM123456" };
  const digest = crypto.randomUUID();
  const [first, second] = [a, b].map(({ tokens }) =>
    createProviderToken({ ...credential, keyDigest: digest, clock, sharedTokens: tokens })
  );
  const value = async (of = first!) => (await of.get() as { readonly value: string }).value;

  const before = await value(first);
  assert.equal(await value(second), before);
  await clock.advance(19 * MINUTE);
  assert.equal(second!.invalidate(before), false, "it is too young for another");
  await clock.advance(40 * MINUTE);
  await value(first);
  const after = await until("it is renewed", async () => {
    const now = await value(first);
    return now !== before && now;
  });
  await value(second);
  await until("the other one follows", async () => await value(second) === after);
});

redisTest("a node that starts later knows the age of the provider token", async () => {
  await using a = await node();
  await using b = await node();
  const { privateKey } = await generateKeyPair("ES256");
  // The second token falls into another half hour than the first, and so differs from it.
  const halfHour = 30 * MINUTE;
  const clock = new FakeClock(Math.floor(Date.now() / halfHour) * halfHour + 10 * MINUTE);
  const options = {
    ...{ key: privateKey, keyId: "ABC1234567", teamId: "TEAM123456", clock },
    keyDigest: crypto.randomUUID(),
  };
  const first = createProviderToken({ ...options, sharedTokens: a.tokens });
  const { value } = await first.get() as { readonly value: string };
  await clock.advance(21 * MINUTE);
  const second = createProviderToken({ ...options, sharedTokens: b.tokens });
  assert.deepEqual(await second.get(), { kind: "token", value });
  assert.equal(second.invalidate(value), true);
  const replaced = await second.get() as { readonly value: string };
  assert.notEqual(replaced.value, value);
  assert.equal(first.invalidate(value), true);
  assert.deepEqual(await first.get(), replaced);
});

redisTest(
  "two nodes ask Microsoft for one token, and for one more when it is refused",
  async () => {
    const certificate = await makeCertificate();
    let granted = 0;
    let accepted = "token-1";
    await using microsoft = startProvider(certificate, (request) => {
      if (request.path === "/token") {
        return Response.json({ access_token: `token-${++granted}`, expires_in: 86_399 });
      }
      const isFine = request.headers.get("authorization") === `Bearer ${accepted}`;
      return new Response(
        null,
        isFine ? { headers: { "X-WNS-Status": "received" } } : { status: 401 },
      );
    });
    const transports = async ({ tokens }: Node) => {
      const deps = realDeps({ "/ca.pem": certificate.cert });
      const transport = createWnsTransport({ ...deps, sharedTokens: tokens });
      const options: WnsOptions = {
        ...{ sid: "S-1-15-2-1", secret: "hush" },
        ...{ tokenaddress: `https://${microsoft.host}/token`, hosts: [microsoft.host] },
        cafile: "/ca.pem",
      };
      assert.deepEqual(await transport.configure(new Map([["app", options]])), []);
      return transport;
    };
    await using a = await node();
    await using b = await node();
    await using first = await transports(a);
    await using second = await transports(b);
    const target = targetOf("wns", `https://${microsoft.host}/channel`);
    const send = async (by: typeof first) =>
      (await by.send(target, mailMessage(), new AbortController().signal)).kind;
    assert.deepEqual(await Promise.all([send(first), send(second)]), ["sent", "sent"]);
    assert.equal(granted, 1);
    accepted = "token-2";
    assert.deepEqual(await Promise.all([send(first), send(second)]), ["sent", "sent"]);
    assert.equal(granted, 2);
  },
);
