/** The console in real Chromium, as tests use it. */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { chromiumPath, TestBrowser } from "../support/console_browser.ts";
import { FakeGcm } from "../support/fake_gcm.ts";
import { ADMIN_KEY, startTestService, type TestService } from "../support/start_service.ts";

const ignore = chromiumPath() === undefined;
/** The key that turns GCM on. */
export const GCM_ENABLED = "com.openexchange.pns.transport.gcm.enabled";
const MAX_TABS = 200;

/** A test in real Chromium, whose pages may report no error; skipped where there is none. */
export function inBrowser(name: string, fn: (world: World) => Promise<void>): void {
  Deno.test({
    name,
    ignore,
    async fn() {
      await using gcm = new FakeGcm();
      await using service = await startTestService(gcm.configuration);
      await using browser = await TestBrowser.launch();
      await fn({ gcm, service, browser });
      assert.deepEqual(browser.errors, []);
    },
  });
}

/** What such a test has. */
export interface World {
  readonly gcm: FakeGcm;
  readonly service: TestService;
  readonly browser: TestBrowser;
}

/** Signs in with a key; returns the page "Now". */
export async function signIn({ service, browser }: World, key = ADMIN_KEY): Promise<Page> {
  const page = await browser.open(`${service.address}/console`);
  await page.type("#key", key);
  await follow(page, ".sign-in button");
  assert.equal(new URL(page.url()).pathname, "/console");
  return page;
}

/** Opens a page of the navigation. */
export async function go(page: Page, name: string): Promise<void> {
  await Promise.all([
    page.waitForNavigation(),
    page.locator(`nav ::-p-text(${name})`).click(),
  ]);
}

/** Clicks something that leads to another page. */
export async function follow(page: Page, selector: string): Promise<void> {
  await Promise.all([
    page.waitForNavigation(),
    page.locator(selector).click(),
  ]);
}

/** Presses the Enter key, which leads to another page. */
export async function enter(page: Page): Promise<void> {
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

/** The name of what has the focus. */
const FOCUSED = `document.activeElement.labels?.[0]?.textContent ??
  document.activeElement.textContent`;

/** Presses the tabulator key until what has this name has the focus. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let tabs = 0; tabs < MAX_TABS; tabs++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(FOCUSED);
    if (focused === name) return;
  }
  assert.fail(`the tabulator key does not reach '${name}'`);
}

/** Waits until the text of an element matches. */
export async function text(
  page: Page,
  { of: selector, is: expected }: { readonly of: string; readonly is: RegExp },
): Promise<void> {
  let seen = "";
  const end = Date.now() + 20_000;
  while (Date.now() < end) {
    seen = await page.evaluate(
      `document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`,
    )
      .catch(() => "") as string;
    if (expected.test(seen)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(seen, expected);
}
