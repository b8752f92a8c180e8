import assert from "node:assert/strict";
import { BROWSER, type Pair, startPair } from "./_beside_middleware.ts";

interface Call {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly withoutCookies?: boolean;
  readonly status: number;
  readonly answer?: unknown;
}

/** The App Suite's calls, written down from its sources; the file says of each which version makes it. */
const { origin, calls }: { readonly origin: string; readonly calls: readonly Call[] } = JSON.parse(
  await Deno.readTextFile(new URL("./app_suite_calls.json", import.meta.url)),
);

const FILES = { "pns-gcm-options.yml": "droid:\n  key: k\n" };

async function suite(): Promise<Pair> {
  return await startPair({
    properties: { "io.carillon.websocket.allowedOrigins": origin },
    files: FILES,
  });
}

async function replay(
  { service, middleware }: Pair,
  { method, path, headers, body, withoutCookies = false }: Call,
  { from = origin }: { readonly from?: string } = {},
) {
  const login = middleware.login({ context: 1, user: 3, userAgent: BROWSER });
  const expires = Date.now() + 360_000;
  return await service.call(method, path.replace("{session}", login.session), {
    key: null,
    ...body !== undefined && { body: JSON.stringify(body).replace('"{expires}"', `${expires}`) },
    headers: {
      ...{ origin: from, "user-agent": BROWSER, ...headers },
      ...!withoutCookies && { cookie: login.cookie },
    },
  });
}

Deno.test("the App Suite's calls are answered as it expects, to its origin", async (t) => {
  await using pair = await suite();
  for (const call of calls) {
    await t.step(call.what, async () => {
      const { status, headers, body, text } = await replay(pair, call);
      assert.equal(status, call.status, text);
      if (call.answer !== undefined) assert.deepEqual(body, call.answer);
      assert.equal(headers.get("access-control-allow-origin"), origin);
      assert.equal(headers.get("access-control-allow-credentials"), "true");
      if (call.method === "OPTIONS") {
        assert.equal(headers.get("access-control-allow-methods"), "PUT");
        assert.equal(headers.get("access-control-allow-headers"), "content-type");
      }
    });
  }
});

Deno.test("a page from elsewhere cannot make these calls with a user's cookies", async () => {
  await using pair = await suite();
  for (const call of calls.filter(({ path }) => path.includes("/pns?"))) {
    const { headers, text } = await replay(pair, call, { from: "https://evil.example.net" });
    assert.match(text, /may not call this API/, call.what);
    assert.equal(headers.get("access-control-allow-origin"), null);
  }
  assert.deepEqual(pair.middleware.accounts.subscriptions, []);
});

Deno.test("a session without the cookies of its browser is no session", async () => {
  await using pair = await suite();
  const [call] = calls;
  const { body } = await replay(pair, { ...call!, withoutCookies: true });
  assert.equal(body.code, "SES-0203");
  assert.deepEqual(pair.middleware.accounts.subscriptions, []);
});

Deno.test("what the App Suite subscribes for this service is known to the middleware", async () => {
  await using pair = await suite();
  await replay(pair, calls[0]!);
  const [subscription] = pair.middleware.accounts.subscriptions;
  assert.deepEqual([subscription?.client, subscription?.user], ["switchboard", 3]);
  const { body } = await pair.service.call("GET", "/v1/subscriptions");
  assert.deepEqual(body.items, [], "and is not kept here, where it would send webhooks to itself");
});

Deno.test("the middleware's own errors reach the App Suite", async () => {
  await using pair = await suite();
  const call = { ...calls[0]!, body: { ...calls[0]!.body as object, topics: ["ox:*"] } };
  pair.middleware.webhook = { ...pair.middleware.webhook, id: "another" };
  assert.equal((await replay(pair, call)).body.code, "PNS-0012");
  const bad = { ...call, body: { ...calls[0]!.body as object, topics: ["ox.mail"] } };
  assert.equal((await replay(pair, bad)).body.code, "PNS-0007");
});

Deno.test("while the middleware is away, calls are answered with when to try again", async () => {
  await using pair = await suite();
  pair.middleware.fault = "error";
  const { status, headers, body } = await replay(pair, calls[0]!);
  assert.deepEqual([status, body.code], [503, "middleware_unavailable"]);
  assert.ok(Number(headers.get("retry-after")) >= 1);
  assert.equal(headers.get("access-control-allow-origin"), origin);
});
