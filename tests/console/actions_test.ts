/**
 * Every action of the console, as its router lists them: a viewer may do none of them, and neither
 * may another site with the cookie of an operator.
 */

import assert from "node:assert/strict";
import { actionRoutes } from "../../console/_actions.tsx";
import { pageRoutes } from "../../console/_pages.tsx";
import { LiveFeed } from "../../console/mod.ts";
import { systemClock } from "../../core/clock.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { ADMIN_KEY, startTestService, type TestService } from "../support/start_service.ts";
import { postForm, SignedIn } from "./_console.ts";

function socketClients(): readonly never[] {
  return [];
}

/** The paths of all actions. */
function actions(): readonly string[] {
  const { routes } = actionRoutes({ socketClients });
  return routes.filter(({ method }) => method === "POST").map(({ path }) => `/console${path}`);
}

/** The paths of all pages. */
function pages(): readonly string[] {
  const live = new LiveFeed({ clock: systemClock, reports: () => Promise.resolve([]) });
  const { routes } = pageRoutes({ live, socketClients });
  return routes.filter(({ method }) => method === "GET").map(({ path }) => `/console${path}`);
}

/** A service with something for each action, the fields that name it, and what there is. */
async function setUp(service: TestService) {
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  await service.settled(await service.publish());
  const { id: session } = await service.mintSession();
  const letters = await service.call("GET", "/v1/dead-letters");
  const subscriptions = await service.call("GET", "/v1/subscriptions?context=1&user=3");
  const ids = [session, letters.body.items[0].id, subscriptions.body.items[0].id];
  const owner = { context: "1", user: "3", client: "open-xchange-appsuite" };
  const form = { ...owner, topic: "ox:mail:new", data: "{}" };
  const state = async () => {
    const paths = [
      "/v1/sessions?context=1&user=3",
      "/v1/subscriptions?context=1&user=3",
      "/v1/dead-letters",
      "/v1/notifications",
      "/v1/keys",
    ];
    const answers = await Promise.all(paths.map((path) => service.call("GET", path)));
    return answers.map(({ body }) => body);
  };
  return { forms: ids.map((id) => ({ ...form, id })), state };
}

async function withDeadLetter(
  run: (
    service: TestService,
    given: Awaited<ReturnType<typeof setUp>>,
    gcm: FakeGcm,
  ) => Promise<void>,
): Promise<void> {
  await using gcm = new FakeGcm();
  gcm.errors.set("t", "MessageTooBig");
  await using service = await startTestService(gcm.configuration);
  await run(service, await setUp(service), gcm);
}

Deno.test("a viewer's key is refused every action, and nothing has changed", async () => {
  await withDeadLetter(async (service, { forms, state }, gcm) => {
    const viewer = await SignedIn.with(service, await service.mintKey("read"));
    const before = [await state(), gcm.arrived.length];
    assert.ok(actions().length >= 8);
    for (const path of actions()) {
      for (const form of forms) {
        const { html } = await viewer.send(path, form);
        assert.match(html, /scope (&#39;|')\w+(&#39;|')|scopes/, `${path}: ${html.slice(0, 300)}`);
      }
    }
    assert.deepEqual([await state(), gcm.arrived.length], before);
  });
});

Deno.test("another site with an operator's cookie is refused every action", async () => {
  await withDeadLetter(async (service, { forms, state }, gcm) => {
    const operator = await SignedIn.with(service, ADMIN_KEY);
    const before = [await state(), gcm.arrived.length];
    const sites = [
      { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
      { origin: "null" },
    ];
    const paths = [...actions(), "/console/sign-out"];
    for (const path of paths) {
      for (const headers of sites) {
        // Even one who knows the token of the session.
        assert.equal((await operator.send(path, forms[0]!, headers)).status, 403, path);
      }
      const tokenless = await operator.send(path, { ...forms[0]!, csrf: "" });
      assert.equal(tokenless.status, 403, path);
    }
    assert.deepEqual([await state(), gcm.arrived.length], before);
    const signIn = await postForm(
      `${service.address}/console/sign-in`,
      { key: ADMIN_KEY },
      sites[0]!,
    );
    await signIn.body?.cancel();
    assert.equal(signIn.status, 403);
  });
});

Deno.test("no page lets another site read it, or show it in a frame", async () => {
  await using service = await startTestService();
  const { cookie } = await SignedIn.with(service, ADMIN_KEY);
  assert.ok(pages().length >= 9);
  for (const path of [...pages(), "/console/live", "/console/sign-in"]) {
    const response = await fetch(service.address + path, {
      headers: { cookie, origin: "https://evil.example" },
    });
    await response.body?.cancel();
    const { headers } = response;
    assert.equal(headers.get("access-control-allow-origin"), null, path);
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin", path);
    assert.match(headers.get("content-security-policy")!, /frame-ancestors 'none'/, path);
  }
});
