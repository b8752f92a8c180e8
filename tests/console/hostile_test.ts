/**
 * Hostile texts in everything that a publisher or a client can set, on every page, while the
 * notification is in flight and its message is shown. Chromium shows such pages in
 * `browser_test.ts`.
 */

import assert from "node:assert/strict";
import { FakeGcm } from "../support/fake_gcm.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";
import { SignedIn } from "./_console.ts";

const HOSTILE =
  `<img src=x onerror=alert(1)>\u202Egnp.exe\u2066</bdi></td><script>alert(2)</script>`;
/** Nothing on a page may be this, whatever was published: its own files are the only scripts. */
const RAW = /<img|<script(?! [^>]*src="\/console\/static\/)|onerror=(?!alert\(1\)&gt;)/;
const OVERRIDES = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/;
const MAX_PAGE = 400_000;
const KIB = 1024;

/** The texts of a page. The value of an input stays as it is: it is sent again, and isolated. */
function textOf(html: string): string {
  return html.replace(/<[^>]*>/g, "");
}

Deno.test("no page shows hostile texts as anything but texts, and none grows with them", async () => {
  await using gcm = new FakeGcm();
  const { properties, files } = gcm.configuration;
  await using service = await startTestService({
    files,
    properties: {
      ...properties,
      "io.carillon.publish.maxPayloadBytes": 57_344,
      "com.openexchange.pns.delayDuration": 60_000,
      "com.openexchange.pns.maxDelayDuration": 60_000,
    },
  });
  const user = HOSTILE;
  await service.subscribe({ client: "app", transport: "gcm", token: "t", user });
  await service.mintSession({ user, client: HOSTILE.slice(0, 60) });
  const subject = HOSTILE + "x".repeat(55 * KIB);
  const data = { folder: HOSTILE, id: "1", email: HOSTILE, displayname: HOSTILE, subject };
  const waiting = await service.publish({ user, data, collapseKey: HOSTILE });
  const [later] = await service.publishAll([
    { user, data: { ...data, id: "2" }, deliverAt: new Date(Date.now() + 3_600_000).toISOString() },
  ]);
  const owner = `context=1&user=${encodeURIComponent(user)}`;
  const hostile = encodeURIComponent(HOSTILE);
  const paths = [
    "",
    "/notifications",
    `/notifications?${owner}`,
    `/notifications/${waiting}`,
    `/notifications/${later}`,
    `/notifications/${hostile}`,
    `/why?id=${waiting}`,
    `/why?id=${later}`,
    `/why?${owner}&topic=ox:mail:new&client=${hostile}`,
    `/why?${owner}&topic=${hostile}&deliverAt=${hostile}&escalate=${hostile}`,
    `/users?${owner}`,
    `/users?${owner}&cursor=${hostile}`,
    `/dead-letters?${owner}&client=${hostile}&transport=${hostile}`,
    `/credentials?${hostile}`,
    `/configuration?${owner}&find=${hostile}`,
    `/try?${hostile}=${hostile}`,
    `/sign-in?${hostile}=1&ended=${hostile}`,
    `/${hostile}`,
  ];
  const one = await SignedIn.with(service, ADMIN_KEY);
  for (const path of paths) {
    const { html } = await one.page(`/console${path}`);
    assert.doesNotMatch(html, RAW, path);
    assert.doesNotMatch(textOf(html), OVERRIDES, path);
    assert.ok(html.length < MAX_PAGE, `${path}: ${html.length} characters`);
  }
  const { html } = await one.page(`/console/why?id=${waiting}`);
  assert.match(html, /⟨U\+202E⟩/);
  assert.match(html, /shortened: /);
});

Deno.test("actions answer hostile fields with texts", async () => {
  await using service = await startTestService();
  const one = await SignedIn.with(service, ADMIN_KEY);
  const fields = ["id", "context", "user", "topic", "data", "client", "transport"];
  const form = Object.fromEntries(fields.map((name) => [name, HOSTILE]));
  const paths = ["users/revoke", "users/unsubscribe", "users/test", "dead-letters/replay"];
  for (const path of [...paths, "try/publish", "try/session", "configuration/preview"]) {
    const { html, headers } = await one.send(`/console/${path}`, form);
    // JSON is read by the page's script, which sets texts.
    if (headers.get("content-type")?.startsWith("application/json")) continue;
    assert.doesNotMatch(html, RAW, path);
    assert.doesNotMatch(textOf(html), OVERRIDES, path);
  }
});
