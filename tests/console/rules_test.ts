import assert from "node:assert/strict";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { postForm, SignedIn } from "./_console.ts";

const HTML = { accept: "text/html" };

Deno.test("/ in a browser leads to the console, and the console to the sign-in", async () => {
  await using service = await startTestService();
  const home = await fetch(service.address, { headers: HTML, redirect: "manual" });
  assert.deepEqual([home.status, home.headers.get("location")], [303, "/console"]);
  await home.body?.cancel();
  const wanted = ["/notifications", "/users?context=1&user=3", "/dead-letters"];
  for (const path of ["", "/live", ...wanted]) {
    const answer = await fetch(`${service.address}/console${path}`, { redirect: "manual" });
    const back = new URLSearchParams({ returnTo: `/console${path}` });
    const expected = `/console/sign-in${wanted.includes(path) ? `?${back}` : ""}`;
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, expected]);
    await answer.body?.cancel();
  }
  const form = { key: ADMIN_KEY, returnTo: "/console/users?context=1&user=3" };
  const back = await postForm(`${service.address}/console/sign-in`, form);
  await back.body?.cancel();
  assert.equal(back.headers.get("location"), "/console/users?context=1&user=3");
});

Deno.test("only a key with scope read or admin signs in, and its cookie is for this site alone", async () => {
  await using service = await startTestService();
  const url = `${service.address}/console/sign-in`;
  const refused = [
    "",
    "wrong",
    await service.mintKey("publish"),
    await service.mintKey("subscribe"),
    await service.mint(),
  ];
  for (const key of refused) {
    const answer = await postForm(url, { key });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("set-cookie"), null);
    await answer.body?.cancel();
  }
  const answer = await postForm(url, { key: ADMIN_KEY });
  await answer.body?.cancel();
  assert.match(
    answer.headers.get("set-cookie")!,
    /^carillon_console=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Strict$/,
  );
  const proxied = await postForm(url, { key: ADMIN_KEY }, { "x-forwarded-proto": "https" });
  await proxied.body?.cancel();
  assert.match(proxied.headers.get("set-cookie")!, /Secure/);
});

Deno.test("a page has no inline script or style, and its policy allows none", async () => {
  await using service = await startTestService();
  const one = await SignedIn.with(service, ADMIN_KEY);
  for (
    const path of ["", "/why?context=1&user=3&topic=ox:mail:new", "/try", "/users?context=1&user=3"]
  ) {
    const response = await fetch(`${service.address}/console${path}`, {
      headers: { cookie: one.cookie },
    });
    const html = await response.text();
    assert.equal(response.status, 200);
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on\w+=/);
    const policy = response.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(response.headers.get("cache-control"), "no-store");
  }
});

Deno.test("a change needs the token of the session and an origin that is the console's", async () => {
  await using service = await startTestService();
  const { id } = await service.mintSession();
  const one = await SignedIn.with(service, ADMIN_KEY);
  const form = { id, context: "1", user: "3" };
  const cases: [Record<string, string>, Record<string, string>][] = [
    [{ csrf: "" }, {}],
    [{ csrf: "x".repeat(43) }, {}],
    [{}, { "sec-fetch-site": "cross-site" }],
    [{}, { "sec-fetch-site": "same-site" }],
    [{}, { origin: "https://evil.example" }],
    [{}, { origin: "null" }],
  ];
  for (const [fields, headers] of cases) {
    const { status } = await one.send("/console/users/revoke", { ...form, ...fields }, headers);
    assert.equal(status, 403);
  }
  assert.equal((await service.call("GET", "/v1/sessions?context=1&user=3")).body.items.length, 1);
  const { status, html } = await one.send("/console/users/revoke", form);
  assert.equal(status, 200);
  assert.match(html, /The session is revoked/);
  assert.equal((await service.call("GET", "/v1/sessions?context=1&user=3")).body.items.length, 0);
});

Deno.test("a viewer does nothing that an operator does", async () => {
  await using service = await startTestService();
  const { id } = await service.mintSession();
  const viewer = await SignedIn.with(service, await service.mintKey("read"));
  const page = await viewer.page("/console/users?context=1&user=3");
  assert.doesNotMatch(page.html, />Revoke<|>Delete<|>Test send</);
  const actions: [string, Record<string, string>][] = [
    ["/console/users/revoke", { id, context: "1", user: "3" }],
    ["/console/users/unsubscribe", { id: "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa" }],
    ["/console/users/test", { id: "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa" }],
    ["/console/dead-letters/replay", {}],
    ["/console/credentials/reload", {}],
    ["/console/try/publish", { context: "1", user: "3", topic: "ox:mail:new", data: "{}" }],
  ];
  for (const [path, form] of actions) {
    const { status } = await viewer.send(path, form);
    assert.ok(status === 403 || status === 503, `${path} ${status}`);
  }
  const session = { context: "1", user: "3", client: "open-xchange-appsuite" };
  assert.equal((await viewer.send("/console/try/session", session)).status, 400);
  assert.match((await viewer.send("/console/configuration/preview")).html, /scope &#39;admin&#39;/);
  assert.equal((await service.call("GET", "/v1/sessions?context=1&user=3")).body.items.length, 1);
  const { body } = await service.call("GET", "/v1/notifications");
  assert.deepEqual(body.items, []);
});

Deno.test("a key of some contexts sees these, and not what covers all", async () => {
  await using service = await startTestService();
  await service.settled(await service.publish({ context: "1", user: "hidden-user" }));
  await service.settled(await service.publish({ context: "2", user: "shown-user" }));
  const { secret } = await service.mintKeyOf({ scopes: ["read"], contexts: ["2"] });
  const one = await SignedIn.with(service, secret);
  const { html } = await one.page("/console/notifications");
  assert.match(html, /shown-user/);
  assert.doesNotMatch(html, /hidden-user/);
  assert.match((await one.page("/console")).html, /covers all contexts/);
  assert.equal((await one.page("/console/live")).status, 403);
});

Deno.test("a session ends with its key, at the sign-out, and for the page that is open", async () => {
  await using service = await startTestService();
  const { id, secret } = await service.mintKeyOf({ scopes: ["read"] });
  const one = await SignedIn.with(service, secret);
  const stream = await fetch(`${service.address}/console/live`, {
    headers: { cookie: one.cookie },
  });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader.read()).value!, /^event: now\ndata: /);
  await service.call("DELETE", `/v1/keys/${id}`);
  await until("the stream says that the session has ended", async () => {
    const { value = "" } = await reader.read();
    return value.includes("event: ended");
  });
  assert.equal((await reader.read()).done, true);
  assert.equal((await one.page("/console/why")).status, 303);

  const other = await SignedIn.with(service, ADMIN_KEY);
  const out = await other.send("/console/sign-out");
  assert.equal(out.headers.get("location"), "/console/sign-in?out=1");
  assert.equal((await other.page("/console/why")).status, 303);
});
