/**
 * The console in real Chromium, as an operator uses it. `CARILLON_SCREENSHOTS=docs/images` has the
 * last test write the pictures of `docs/console.md`.
 */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { assertAccessible, showAs } from "../support/console_browser.ts";
import { listen } from "../support/listener.ts";
import { ADMIN_KEY } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { enter, follow, GCM_ENABLED, go, inBrowser, signIn, tabTo, text } from "./_browser.ts";

inBrowser("an operator signs in, publishes, and sees it arrive in the inbox", async (world) => {
  const page = await signIn(world);
  await go(page, "Try it");
  await page.click("#connect");
  await text(page, { of: "#connection", is: /connected as user 3 of context 1/ });
  await page.click("#publish button");
  await text(page, { of: "#inbox", is: /ox:mail:new[^]*Jane Doe/ });
  await text(page, { of: "#published", is: /Published: [0-9a-f-]{36}/ });
  await follow(page, "#published a");
  await page.reload();
  await text(page, { of: "main", is: /delivered[^]*its open sockets/ });
});

inBrowser("an operator finds out why a push did not come", async (world) => {
  const { service } = world;
  await service.subscribe({ client: "app", transport: "gcm", token: "t" });
  const body = { attributes: { [`${GCM_ENABLED}.app`]: false } };
  await service.call("PUT", "/v1/contexts/1/users/3/config", { body });
  await service.settled(await service.publish());
  const page = await signIn(world);
  await go(page, "Notifications");
  await page.select("#field-state", "suppressed");
  await follow(page, "form[role=search] button");
  await follow(page, "tbody td:last-child a");
  await text(page, { of: ".timeline", is: /disabled[^]*gcm is not enabled for app/ });
  await follow(page, "main .button");
  await text(page, {
    of: "main",
    is: /What happened[^]*What would happen now[^]*Nothing would be sent/,
  });
  await text(page, { of: ".layers .chosen", is: /user[^]*false[^]*user attribute[^]*decides/ });
});

inBrowser(
  "an operator replays a dead letter and revokes a session, by keyboard alone",
  async (world) => {
    const { gcm, service } = world;
    gcm.errors.set("t", "MessageTooBig");
    await service.subscribe({ client: "app", transport: "gcm", token: "t" });
    const id = await service.publish();
    assert.equal((await service.settled(id)).state, "dead");
    gcm.errors.clear();
    const page = await world.browser.open(`${service.address}/console`);
    await tabTo(page, "API key");
    await page.keyboard.type(ADMIN_KEY);
    await enter(page);
    await tabTo(page, "Skip to the content");
    await tabTo(page, "Dead letters");
    await enter(page);
    await text(page, { of: "tbody", is: /gcm of app[^]*MessageTooBig/ });
    await tabTo(page, "Replay");
    await enter(page);
    await text(page, { of: ".notice", is: /1 dead letter is replayed/ });
    await until("it is delivered", async () => (await service.settled(id)).state === "delivered");

    const session = await service.mint();
    using socket = await listen(service.host, { session });
    await page.goto(`${service.address}/console/users?context=1&user=3`);
    await tabTo(page, "Revoke");
    await enter(page);
    await text(page, { of: ".notice", is: /The session is revoked/ });
    await socket.closed;
  },
);

inBrowser("an operator cancels a scheduled notification, by keyboard alone", async (world) => {
  const { service } = world;
  const id = await service.publish({ deliverAt: new Date(Date.now() + 1e7).toISOString() });
  const page = await signIn(world);
  await page.goto(`${service.address}/console/notifications?state=scheduled`);
  await tabTo(page, id);
  await enter(page);
  await tabTo(page, "Cancel what is not sent");
  await enter(page);
  await text(page, { of: ".notice", is: /What was not sent is cancelled/ });
  assert.equal((await service.settled(id)).state, "cancelled");
});

inBrowser("a test send shows the message as the phone does", async (world) => {
  await world.service.subscribe({ client: "app", transport: "gcm", token: "t" });
  const page = await signIn(world);
  await page.goto(`${world.service.address}/console/users?context=1&user=3`);
  await follow(page, "form[action$=test] button");
  await text(page, { of: "[aria-label='Test send']", is: /sent[^]*Carillon[^]*Your bell rings/ });
  assert.equal(world.gcm.arrived.length, 1);
});

inBrowser(
  "hostile texts are shown as texts, and change neither the page nor its direction",
  async (world) => {
    const { service, gcm } = world;
    const hostile = `<img src=x onerror=alert(1)>\u202Egnp.exe</td><script>alert(2)</script>`;
    const client = "<b>\u202Eapp</b>";
    gcm.errors.set("t", "MessageTooBig");
    await service.subscribe({ client: "app", transport: "gcm", token: "t", user: hostile });
    const { id } = await service.mintSession({ user: hostile, client });
    assert.ok(id);
    const data = { ...hostileMail(hostile), subject: hostile + "x".repeat(46 * 1024) };
    const published = await service.publish({ user: hostile, data });
    await service.settled(published);
    const users = { context: "1", users: [hostile], topic: "ox:mail:new", data: { n: 1 } };
    const { body: many } = await service.call("POST", "/v1/notifications", { body: users });
    await service.settled(many.ids[0]);
    const page = await signIn(world);
    const user = encodeURIComponent(hostile);
    const paths = [
      "/notifications",
      `/notifications/${published}`,
      `/notifications/${many.ids[0]}`,
      `/why?id=${published}`,
      `/why?context=1&user=${user}&topic=ox:mail:new&client=${encodeURIComponent(client)}`,
      `/users?context=1&user=${user}`,
      "/dead-letters",
      `/configuration?find=${user}`,
      `/sign-in?${user}=1`,
    ];
    for (const path of paths) {
      await page.goto(`${service.address}/console${path}`);
      const found = await page.evaluate(`({
      images: document.querySelectorAll("img, main script").length,
      overrides: /[\u202A-\u202E\u2066-\u2069]/.test(document.body.innerText),
      width: document.documentElement.scrollWidth - innerWidth,
    })`);
      assert.deepEqual(found, { images: 0, overrides: false, width: 0 }, path);
    }
    await page.goto(`${service.address}/console/try`);
    await page.evaluate(`document.querySelector("#field-user").value = ${JSON.stringify(hostile)}`);
    await page.click("#connect");
    await text(page, { of: "#connection", is: /connected as user/ });
    const mail = hostileMail(hostile);
    await service.publish({ user: hostile, data: { ...mail, id: "2" } });
    await text(page, { of: "#inbox", is: /<img src=x/ });
    assert.equal(
      await page.$$eval("#inbox img", (all) => all.length),
      0,
    );
  },
);

inBrowser("a page that is open leads to the sign-in when its session ends", async (world) => {
  const { id, secret } = await world.service.mintKeyOf({ scopes: ["read"] });
  const page = await signIn(world, secret);
  await page.waitForSelector(".chart svg");
  await world.service.call("DELETE", `/v1/keys/${id}`);
  await page.waitForFunction(() => location.pathname === "/console/sign-in");
  await text(page, { of: ".notice", is: /Your session has ended/ });
});

inBrowser("every page is accessible, light and dark, on a phone and on a desk", async (world) => {
  const { service, gcm } = world;
  gcm.errors.set("bad", "MessageTooBig");
  await service.subscribe({ client: "app", transport: "gcm", token: "good" });
  await service.subscribe({ client: "app", transport: "gcm", token: "bad", user: "4" });
  using _socket = await listen(service.host, { session: await service.mint() });
  const id = await service.publish();
  for (const user of ["4", "5"]) await service.settled(await service.publish({ user }));
  await service.settled(id);
  const scheduled = await service.publish({ deliverAt: new Date(Date.now() + 1e7).toISOString() });
  const users = { context: "1", users: ["3", "4"], topic: "ox:mail:new", data: { n: 1 } };
  const { body: many } = await service.call("POST", "/v1/notifications", { body: users });
  await service.settled(many.ids[0]);
  const page = await signIn(world);
  const paths = {
    now: "",
    notifications: "/notifications",
    notification: `/notifications/${id}`,
    scheduled: `/notifications/${scheduled}`,
    many: `/notifications/${many.ids[0]}`,
    why: `/why?id=${id}`,
    user: "/users?context=1&user=3",
    "dead-letters": "/dead-letters",
    credentials: "/credentials",
    configuration: "/configuration?find=pns.transport",
    try: "/try",
    "sign-in": "/sign-in",
  };
  for (const [name, path] of Object.entries(paths)) {
    await page.goto(`${service.address}/console${path}`);
    if (name === "now") {
      for (let readings = 2; readings < 6; readings++) {
        await service.publishAll(Array.from({ length: 40 }, (_, n) => ({ data: { n } })));
        await page.waitForFunction(
          `document.querySelector("polyline")?.getAttribute("points").split(" ").length >= ${
            2 * readings
          }`,
        );
      }
    }
    for (const scheme of ["light", "dark"] as const) {
      for (const width of [390, 1440]) {
        await showAs(page, { width, scheme });
        const what = `${name}, ${scheme}, ${width} pixels`;
        await assertAccessible(page, what);
        const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.equal(over, 0, `${what}: the page scrolls sideways`);
        await screenshot(page, `${name}-${scheme}-${width}`);
      }
    }
  }
});

/** The pictures that the documentation shows. */
const PICTURES = new Set([
  "now-light-1440",
  "why-light-1440",
  "notification-dark-1440",
  "user-dark-390",
]);

async function screenshot(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("CARILLON_SCREENSHOTS");
  if (!folder || !PICTURES.has(name)) return;
  const path = `${folder}/console-${name}.webp` as const;
  await page.screenshot({ path, type: "webp", quality: 60 });
}

function hostileMail(subject: string) {
  return { folder: subject, id: "1", email: subject, displayname: subject, subject };
}
