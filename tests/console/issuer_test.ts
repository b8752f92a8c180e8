/** Signing in to the console by an issuer, without a browser: its rules, and hostile answers. */

import assert from "node:assert/strict";
import { FakeIssuer } from "../support/fake_issuer.ts";
import { freePort } from "../support/free_port.ts";
import { ADMIN_KEY, startTestService, type TestService } from "../support/start_service.ts";
import { SignedIn } from "./_console.ts";

const OIDC = "io.carillon.console.oidc";

interface World extends AsyncDisposable {
  readonly issuer: FakeIssuer;
  readonly service: TestService;
}

async function startWorld(properties: Record<string, string | number> = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  const port = freePort();
  const issuer = stack.use(await FakeIssuer.start());
  const known = issuer.properties(`http://127.0.0.1:${port}`);
  const service = stack.use(
    await startTestService({ port, properties: { ...known, ...properties } }),
  );
  return { issuer, service, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The first half of a sign-in: where the issuer is asked, and the cookie of the flow. */
async function begin({ service }: World, query = "") {
  const response = await get(service, `/console/oidc/start${query}`);
  assert.equal(response.status, 303);
  const cookie = response.headers.get("set-cookie")!;
  return { url: new URL(response.headers.get("location")!), cookie };
}

/** The second half. */
function comeBack({ service }: World, query: URLSearchParams, cookie: string) {
  return get(service, `/console/oidc/callback?${query}`, { cookie: cookie.split(";")[0]! });
}

async function signIn(world: World, query = "") {
  const { url, cookie } = await begin(world, query);
  return comeBack(world, world.issuer.authorize(url), cookie);
}

async function get(service: TestService, path: string, headers: Record<string, string> = {}) {
  const { status, headers: got, body } = await fetch(service.address + path, {
    headers,
    redirect: "manual",
  });
  const html = await new Response(body).text();
  const session = got.getSetCookie().find((each) => each.startsWith("carillon_console="));
  return { status, headers: got, html, session };
}

/** Asserts that nobody was signed in, and returns the page. */
function refusal(answer: Awaited<ReturnType<typeof get>>, status: number): string {
  assert.deepEqual([answer.status, answer.session], [status, undefined]);
  return answer.html;
}

async function as({ service }: World, session: string): Promise<SignedIn> {
  const cookie = session.split(";")[0]!;
  const { html } = await get(service, "/console/why", { cookie });
  return new SignedIn(service.address, cookie, /data-csrf="([^"]+)"/.exec(html)![1]!);
}

Deno.test("the issuer is asked by code, PKCE, state and nonce, and what is kept is for the flow alone", async () => {
  await using world = await startWorld({ [`${OIDC}.scopes`]: "openid, groups" });
  const { url, cookie } = await begin(world);
  const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(url.searchParams);
  for (const each of [state, nonce, challenge]) assert.match(each!, /^[\w-]{43}$/);
  assert.deepEqual(rest, {
    response_type: "code",
    client_id: "carillon",
    redirect_uri: `${world.service.address}/console/oidc/callback`,
    scope: "openid groups",
    code_challenge_method: "S256",
  });
  assert.match(
    cookie,
    /^carillon_console_flow=[\w-]+; Max-Age=600; Path=\/console\/oidc; HttpOnly; SameSite=Lax$/,
  );
  assert.doesNotMatch(url.href, /hush/);
});

Deno.test("a viewer sees, an operator changes, and the strict cookie is used from a page of this site", async () => {
  await using world = await startWorld();
  const { session } = await world.service.mintSession().then(() => signIn(world));
  assert.match(session!, /^carillon_console=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Strict$/);
  const viewer = await as(world, session!);
  const page = await viewer.page("/console/users?context=1&user=3");
  assert.match(page.html, /jane<\/bdi> \(viewer\)/);
  assert.doesNotMatch(page.html, />Revoke</);
  assert.equal((await viewer.send("/console/credentials/reload")).status, 403);

  world.issuer.next = { claims: { roles: ["operator", "other"] } };
  const operator = await as(world, (await signIn(world)).session!);
  assert.equal((await operator.send("/console/credentials/reload")).status, 200);
});

Deno.test("it leads back to the page that was wanted, and to no other site", async () => {
  await using world = await startWorld();
  const wanted = "/console/why?context=1&user=3";
  const sent = await get(world.service, wanted);
  const signInPage = sent.headers.get("location")!;
  const { html } = await get(world.service, signInPage);
  const start = /href="\/console\/oidc\/start\?([^"]*)"/.exec(html)![1]!;
  const target = async (query: string) =>
    /content="0; url=([^"]*)"/.exec((await signIn(world, query)).html)![1];
  assert.equal(await target(`?${start}`), wanted.replace("&", "&amp;"));
  const hostile = [
    "https://evil.example/console/why",
    "//evil.example/console/why",
    "/\\evil.example",
    "\\\\evil.example/console",
    "/console/../../evil",
    "/console/../v1/keys",
    "javascript:alert(1)",
    "/console@evil.example",
    "/console/oidc/start",
    "/consoles",
    `/console/${"x".repeat(2_000)}`,
  ];
  for (const each of hostile) {
    assert.equal(await target(`?${new URLSearchParams({ returnTo: each })}`), "/console", each);
  }
  // The same for the form with an API key.
  const form = new URLSearchParams({ key: ADMIN_KEY, returnTo: "//evil.example" });
  const address = `${world.service.address}/console/sign-in`;
  const answer = await fetch(address, { method: "POST", body: form, redirect: "manual" });
  await answer.body?.cancel();
  assert.equal(answer.headers.get("location"), "/console");
});

Deno.test("a changed cookie of the flow leads nowhere else", async () => {
  await using world = await startWorld();
  const { url, cookie } = await begin(world);
  const [, value] = /^carillon_console_flow=([\w-]+)/.exec(cookie)!;
  const flow = JSON.parse(atob(value!.replaceAll("-", "+").replaceAll("_", "/")));
  const changed = btoa(JSON.stringify({ ...flow, returnTo: "https://evil.example/" }))
    .replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  const query = world.issuer.authorize(url);
  const { html } = await comeBack(world, query, `carillon_console_flow=${changed}`);
  assert.match(html, /url=\/console"/);
  for (const broken of ["", "x", "bm8", btoa("{}"), btoa("null"), btoa('{"state":1}')]) {
    const answer = await comeBack(world, query, `carillon_console_flow=${broken}`);
    refusal(answer, 401);
  }
});

Deno.test("an answer to another sign-in, or to none, is refused", async () => {
  await using world = await startWorld();
  const mine = await begin(world);
  const others = await begin(world);
  const query = world.issuer.authorize(others.url);
  refusal(await comeBack(world, query, mine.cookie), 401);
  refusal(await get(world.service, `/console/oidc/callback?${query}`), 401);
  const denied = new URLSearchParams({
    ...{ error: "access_denied", error_description: "<b>no</b>", iss: world.issuer.url },
    state: mine.url.searchParams.get("state")!,
  });
  assert.doesNotMatch(refusal(await comeBack(world, denied, mine.cookie), 401), /<b>no/);
  refusal(await comeBack(world, new URLSearchParams(), mine.cookie), 401);
  const foreign = world.issuer.authorize(mine.url, { iss: "https://other.example" });
  refusal(await comeBack(world, foreign, mine.cookie), 401);
});

Deno.test("a code counts once, and for the browser that began alone", async () => {
  await using world = await startWorld();
  const { url, cookie } = await begin(world);
  const query = world.issuer.authorize(url);
  const first = await comeBack(world, query, cookie);
  assert.equal(first.status, 200);
  assert.match(first.headers.getSetCookie().join(), /carillon_console_flow=; Max-Age=0/);
  refusal(await comeBack(world, query, cookie), 401);

  // The code of somebody else with one's own state: the verifier of PKCE does not fit.
  const mine = await begin(world);
  const stolen = world.issuer.authorize((await begin(world)).url);
  stolen.set("state", mine.url.searchParams.get("state")!);
  refusal(await comeBack(world, stolen, mine.cookie), 401);
});

function now(): number {
  return Math.floor(Date.now() / 1000);
}

const BAD_TOKENS: readonly [string, () => FakeIssuer["next"]][] = [
  ["another nonce", () => ({ claims: { nonce: "other" } })],
  ["no nonce", () => ({ claims: { nonce: undefined } })],
  ["another audience", () => ({ claims: { aud: "other" } })],
  ["another issuer", () => ({ claims: { iss: "https://other.example" } })],
  ["several audiences, made for another", () => ({ claims: { aud: ["carillon", "x"], azp: "x" } })],
  ["an end in the past", () => ({ claims: { exp: now() - 120, iat: now() - 400 } })],
  ["a beginning in the future", () => ({ claims: { nbf: now() + 600 } })],
  ["no subject", () => ({ claims: { sub: undefined } })],
  ["no signature (alg: none)", () => ({ signature: "none" })],
  ["the signature of a stranger", () => ({ signature: "stranger" })],
];

for (const [what, next] of BAD_TOKENS) {
  Deno.test(`an id token with ${what} signs nobody in`, async () => {
    await using world = await startWorld();
    world.issuer.next = next();
    refusal(await signIn(world), 401);
  });
}

Deno.test("who has no role is refused, and may sign in as somebody else", async () => {
  await using world = await startWorld();
  for (const roles of [undefined, [], ["admin"], "viewers", { viewer: true }, [["viewer"]], null]) {
    world.issuer.next = { claims: { roles } };
    const html = refusal(await signIn(world), 403);
    assert.match(html, /no role[^]*\/console\/oidc\/start\?again=1/);
  }
  const { url } = await begin(world, "?again=1");
  assert.equal(url.searchParams.get("prompt"), "login");
});

Deno.test("a hostile name is shown as a text", async () => {
  await using world = await startWorld();
  const name = `<script>alert(1)</script>\u202E${"x".repeat(5_000)}`;
  world.issuer.next = { claims: { preferred_username: name } };
  const one = await as(world, (await signIn(world)).session!);
  const { html } = await one.page("/console/why");
  assert.match(html, /&lt;script&gt;alert\(1\)&lt;\/script&gt;⟨U\+202E⟩x{1,40}…/);
});

Deno.test("roles and contexts come from the claims that are configured, also from userinfo", async () => {
  await using world = await startWorld({
    [`${OIDC}.rolesClaim`]: "realm_access.roles",
    [`${OIDC}.viewerRoles`]: "support",
    [`${OIDC}.operatorRoles`]: "push-admin",
    [`${OIDC}.contextsClaim`]: "https://example.com/contexts",
  });
  const contexts = "https://example.com/contexts";
  for (const user of ["1", "2"]) {
    await world.service.settled(await world.service.publish({ context: user, user: `in-${user}` }));
  }
  const seen = async () => {
    const { html } = await (await as(world, (await signIn(world)).session!))
      .page("/console/notifications");
    return [/in-1/, /in-2/].map((each) => each.test(html));
  };
  const roles = { roles: undefined, realm_access: { roles: ["support"] } };
  world.issuer.next = { claims: { ...roles, [contexts]: [2] } };
  assert.deepEqual(await seen(), [false, true]);
  world.issuer.next = { claims: { ...roles, [contexts]: "1 2" } };
  assert.deepEqual(await seen(), [true, true]);
  world.issuer.next = { claims: { ...roles, [contexts]: "*" } };
  assert.deepEqual(await seen(), [true, true]);
  for (const none of [undefined, [], "", {}]) {
    world.issuer.next = { claims: { ...roles, [contexts]: none } };
    refusal(await signIn(world), 403);
  }
  world.issuer.next = { claims: { roles: undefined, [contexts]: ["1"] } };
  world.issuer.userinfo = { realm_access: { roles: ["push-admin"] }, [contexts]: "*" };
  const operator = await as(world, (await signIn(world)).session!);
  assert.match((await operator.page("/console/why")).html, /\(operator\)/);
  // The signed token wins over what was asked later.
  assert.deepEqual(await seen(), [true, false]);
});

Deno.test("an issuer that is down or hangs stops nobody with a key, and works when it is back", async () => {
  await using world = await startWorld({ [`${OIDC}.timeout`]: 200 });
  world.issuer.hangs = true;
  const late = await get(world.service, "/console/oidc/start");
  assert.match(refusal(late, 503), /cannot be reached[^]*API key/);
  const reasons = world.service.log.join("\n");
  assert.match(reasons, /timed out[^\n]*a sign-in to the console by the issuer failed/);
  await SignedIn.with(world.service, ADMIN_KEY);
  world.issuer.hangs = false;
  const { url, cookie } = await begin(world);
  world.issuer.next = { status: 502 };
  refusal(await comeBack(world, world.issuer.authorize(url), cookie), 503);
  world.issuer.next = {};
  assert.equal((await signIn(world)).status, 200);
  await world.issuer[Symbol.asyncDispose]();
  // Its endpoints are known for an hour; the second half needs it.
  const again = await begin(world);
  refusal(await comeBack(world, world.issuer.authorize(again.url), again.cookie), 503);
});

Deno.test("a sign-out is one at the issuer, too, and a session ends with its time or its issuer", async () => {
  await using world = await startWorld({ [`${OIDC}.sessionLifetime`]: 60_000 });
  const one = await as(world, (await signIn(world)).session!);
  const { html } = await one.send("/console/sign-out");
  const to = new URL(/content="0; url=([^"]*)"/.exec(html)![1]!.replaceAll("&amp;", "&"));
  const { id_token_hint: hint, ...rest } = Object.fromEntries(to.searchParams);
  assert.equal(to.origin + to.pathname, `${world.issuer.url}/end`);
  assert.match(hint!, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.deepEqual(rest, {
    ...{ client_id: "carillon", state: "out" },
    post_logout_redirect_uri: `${world.service.address}/console/sign-in`,
  });
  assert.equal((await one.page("/console/why")).status, 303);
  const back = await get(world.service, "/console/sign-in?state=out");
  assert.match(back.html, /You are signed out/);

  const other = await as(world, (await signIn(world)).session!);
  await world.service.configure("test.properties", "");
  await world.service.call("POST", "/v1/admin/reload");
  assert.equal((await other.page("/console/why")).status, 303);
  assert.equal(
    (await get(world.service, "/console/oidc/start")).headers.get("location"),
    "/console/sign-in",
  );
  assert.doesNotMatch((await get(world.service, "/console/sign-in")).html, /organization/);
});

Deno.test("the secret is in no page, no API answer and no log", async () => {
  await using world = await startWorld();
  world.issuer.next = { claims: { roles: "operator" } };
  const one = await as(world, (await signIn(world)).session!);
  const pages = ["/console/configuration?find=oidc", "/console/credentials", "/console/sign-in"];
  for (const path of pages) assert.doesNotMatch((await one.page(path)).html, /hush/, path);
  assert.match((await one.page(pages[0]!)).html, /clientSecret[^]*redacted/);
  assert.doesNotMatch((await world.service.call("GET", "/v1/config/server")).text, /hush/);
  world.issuer.next = { status: 500 };
  await signIn(world);
  assert.doesNotMatch(world.service.log.join("\n"), /hush|eyJ/);
});

Deno.test("an issuer without a client, over plain HTTP or with a wrong way back stops the start", async () => {
  const issuer = { [`${OIDC}.issuer`]: "https://login.example.com" };
  const wrong: [Record<string, string>, RegExp][] = [
    [issuer, /oidc\.issuer' also needs '[^']*clientId' and '[^']*redirectUrl'/],
    [{ [`${OIDC}.issuer`]: "http://login.example.com" }, /https address/],
    [{ [`${OIDC}.redirectUrl`]: "https://push.example.com/" }, /console\/oidc\/callback/],
  ];
  for (const [properties, message] of wrong) {
    await assert.rejects(() => startTestService({ properties }), (thrown: Error) => {
      assert.match(thrown.message, message);
      return true;
    });
  }
});
