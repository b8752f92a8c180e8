/** What makes the console pleasant, in real Chromium: on a phone, after an action, in an outage. */

import assert from "node:assert/strict";
import type { Page, SerializedAXNode } from "puppeteer-core";
import { showAs } from "../support/console_browser.ts";
import { listen } from "../support/listener.ts";
import { until } from "../support/until.ts";
import { enter, follow, inBrowser, signIn, tabTo, text, type World } from "./_browser.ts";

const LONG = `a-user-with-a-very-long-name-${"0123456789".repeat(8)}@subdomain.example.com`;

async function deadLetter({ service, gcm }: World, user = "3"): Promise<string> {
  gcm.errors.set("t", "MessageTooBig");
  await service.subscribe({ client: "app", transport: "gcm", token: "t", user });
  const id = await service.publish({ user });
  await service.settled(id);
  return id;
}

interface ShownCell {
  readonly isCard: boolean;
  readonly column: string;
  readonly shown: string;
  readonly isInside: boolean;
}

/** The cells of all tables, and what the phone shows of them. */
const CELLS = `[...document.querySelectorAll(".scroll")].flatMap((table) => {
  const head = [...table.querySelectorAll("th")].map((each) => each.textContent);
  return [...table.querySelectorAll("td")].map((cell) => ({
    isCard: head.length > 2,
    column: head[cell.cellIndex],
    shown: getComputedStyle(cell, "::before").content,
    isInside: cell.getBoundingClientRect().right <= innerWidth &&
      cell.scrollWidth <= cell.clientWidth && table.scrollWidth <= table.clientWidth,
  }));
})`;

/** The roles of everything that is told to those who do not see the page. */
async function rolesOf(page: Page): Promise<ReadonlySet<string>> {
  const roles = new Set<string>();
  const visit = ({ role, children = [] }: SerializedAXNode) => {
    roles.add(role);
    for (const child of children) visit(child);
  };
  visit((await page.accessibility.snapshot({ interestingOnly: false }))!);
  return roles;
}

inBrowser("on a phone the rows of tables are cards that name their columns", async (world) => {
  const { service } = world;
  await deadLetter(world, LONG);
  await service.subscribe({ client: "app", transport: "gcm", token: "u", topics: ["a", "b"] });
  using _socket = await listen(service.host, { session: await service.mint() });
  await service.settled(await service.publish());
  const page = await signIn(world);
  await showAs(page, { width: 390 });
  const user = encodeURIComponent(LONG);
  const paths = ["", "/notifications", "/dead-letters", "/credentials", "/configuration"];
  for (const path of [...paths, "/users?context=1&user=3", `/users?context=1&user=${user}`]) {
    await page.goto(`${service.address}/console${path}`);
    const cells = await page.evaluate(CELLS) as readonly ShownCell[];
    assert.ok(cells.some(({ isCard }) => isCard), path);
    for (const { isCard, column, shown, isInside } of cells) {
      assert.ok(isInside, `${path}: ${column} is cut off`);
      if (isCard) assert.ok(shown.includes(`"${column}"`), `${path}: ${shown} for ${column}`);
    }
    const roles = await rolesOf(page);
    for (const role of ["table", "row", "cell", "columnheader"]) assert.ok(roles.has(role), role);
  }
});

inBrowser("what cannot be taken back is asked first", async (world) => {
  const { service, browser, gcm } = world;
  const id = await deadLetter(world);
  await service.mintSession();
  const subscriptions = async () =>
    (await service.call("GET", "/v1/subscriptions?context=1&user=3")).body.items.length;
  const page = await signIn(world);
  browser.refuses = true;
  for (const path of ["/users?context=1&user=3", "/dead-letters"]) {
    await page.goto(`${service.address}/console${path}`);
    const forms = await page.$$("form[data-confirm] button");
    for (const button of forms) await button.click();
  }
  assert.deepEqual(browser.questions.map((each) => each.split("?")[0]), [
    "Delete this subscription",
    "Revoke this session",
    "Send all dead letters that match again, up to 1,000",
  ]);
  assert.equal(await subscriptions(), 1);
  assert.equal((await service.settled(id)).state, "dead");
  browser.refuses = false;
  gcm.errors.clear();
  await follow(page, "form[data-confirm] button");
  await until("it is delivered", async () => (await service.settled(id)).state === "delivered");
  await page.goto(`${service.address}/console/users?context=1&user=3`);
  await follow(page, "form[action$=unsubscribe] button");
  assert.equal(await subscriptions(), 0);
});

inBrowser("after an action its result has the focus, and the page works on", async (world) => {
  const { service, gcm } = world;
  for (const user of ["3", "4"]) await deadLetter(world, user);
  gcm.errors.clear();
  const page = await signIn(world);
  await page.goto(`${service.address}/console/dead-letters?client=app`);
  await tabTo(page, "Replay");
  await enter(page);
  assert.match(
    await page.evaluate("document.activeElement.textContent") as string,
    /1 dead letter/,
  );
  assert.equal(
    await page.evaluate(`document.querySelector("#field-client").value`),
    "app",
  );
  await follow(page, "form[role=search] button");
  assert.equal(new URL(page.url()).pathname, "/console/dead-letters");
  await page.goto(`${service.address}/console/configuration?find=gcm`);
  await follow(page, "form[action$=preview] button");
  await text(page, { of: ".result", is: /A reload would change no key/ });
  assert.equal(
    await page.evaluate(`document.querySelector("#field-find").value`),
    "gcm",
  );
  await follow(page, "form[role=search] button");
  assert.equal(new URL(page.url()).pathname, "/console/configuration");
});

inBrowser("the page Now says that it is not live while the service is away", async (world) => {
  const { service, browser } = world;
  const page = await signIn(world);
  await page.waitForSelector("#live:not(:empty)");
  assert.equal(await page.$eval("#live-state", (each) => each.textContent), "");
  await service.stop();
  await text(page, {
    of: "#live-state",
    is: /Not live: the service sends nothing\. This was so at \d/,
  });
  // The browser itself reports that it cannot connect.
  browser.errors.length = 0;
});

inBrowser("the page Now says that it is not live while the service is silent", async (world) => {
  const page = await signIn(world);
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    // An answer that never comes is no error for the browser.
    if (!request.url().endsWith("/console/live")) void request.continue();
  });
  await page.reload();
  await text(page, { of: "#live-state", is: /Not live: the service sends nothing/ });
});

inBrowser("the page Try it says that the service cannot be reached", async (world) => {
  const { service, browser } = world;
  const page = await signIn(world);
  await page.goto(`${service.address}/console/try`);
  await page.setOfflineMode(true);
  await page.click("#publish button");
  await text(page, { of: "#published", is: /The service cannot be reached/ });
  await page.click("#connect");
  await text(page, { of: "#connection", is: /The service cannot be reached/ });
  assert.ok(browser.errors.every((each) => /ERR_INTERNET_DISCONNECTED/.test(each)));
  browser.errors.length = 0;
});

inBrowser("a time is in UTC, and in the viewer's zone for who points at it", async (world) => {
  const { service } = world;
  const id = await service.publish();
  await service.settled(id);
  const page = await signIn(world);
  await page.emulateTimezone("Asia/Tokyo");
  await page.goto(`${service.address}/console/notifications/${id}`);
  await text(page, { of: ".timeline time", is: /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/ });
  await page.hover(".timeline time");
  assert.match(await page.$eval(".timeline time", ({ title }) => title), /GMT\+9/);
});
