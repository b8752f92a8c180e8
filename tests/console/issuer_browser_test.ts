/** Signing in by a real issuer in real Chromium. */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { assertAccessible, chromiumPath, TestBrowser } from "../support/console_browser.ts";
import { freePort } from "../support/free_port.ts";
import { startOidcProvider } from "../support/oidc_provider.ts";
import { startTestService } from "../support/start_service.ts";

const OIDC = "io.carillon.console.oidc";

Deno.test({
  name: "an operator signs in by an issuer of another site, comes back to the page, and signs out",
  ignore: chromiumPath() === undefined,
  async fn() {
    const port = freePort();
    const client = `http://127.0.0.1:${port}`;
    await using issuer = await startOidcProvider({
      client,
      rolesOf: (subject) => subject === "jane" ? ["operator"] : [],
    });
    await using _service = await startTestService({
      port,
      properties: {
        [`${OIDC}.issuer`]: issuer.url,
        [`${OIDC}.clientId`]: "carillon",
        [`${OIDC}.clientSecret`]: "hush-hush",
        [`${OIDC}.redirectUrl`]: `${client}/console/oidc/callback`,
        [`${OIDC}.scopes`]: "openid, roles",
      },
    });
    await using browser = await TestBrowser.launch();
    const wanted = `${client}/console/users?context=1&user=3`;

    const page = await browser.open(wanted);
    assert.equal(new URL(page.url()).pathname, "/console/sign-in");
    await assertAccessible(page, "the page for signing in");
    await follow(page, "main a.button");
    await signInAtIssuer(page, "jane");
    await page.waitForFunction((url) => location.href === url, {}, wanted);
    await page.waitForSelector(".sign-out");
    assert.match(await textOf(page, ".sign-out"), /jane \(operator\)/);
    // The strict cookie is sent with what comes after, too.
    await page.reload();
    assert.equal(page.url(), wanted);

    await page.click(".sign-out button");
    await page.waitForFunction((origin) => location.origin === origin, {}, issuer.url);
    await page.waitForSelector("button[name=logout]");
    await follow(page, "button[name=logout]");
    await page.waitForFunction((to) => location.href.startsWith(to), {}, `${client}/console/`);
    assert.match(await textOf(page, ".notice"), /You are signed out/);
    await page.goto(wanted);
    assert.equal(new URL(page.url()).pathname, "/console/sign-in");

    // Somebody without a role comes back to this page, and may be somebody else.
    await follow(page, "main a.button");
    await signInAtIssuer(page, "joe");
    await page.waitForFunction((to) => location.href.startsWith(to), {}, `${client}/console/`);
    assert.match(await textOf(page, ".notice"), /no role/);
    await follow(page, "main a.button");
    await signInAtIssuer(page, "jane");
    await page.waitForSelector(".sign-out");
    const own = browser.errors.filter((each) => each.startsWith(client));
    assert.deepEqual(own.filter((each) => !/status of 403/.test(each)), []);
  },
});

/** The issuer's own pages: who it is, and whether this console may know it. */
async function signInAtIssuer(page: Page, name: string): Promise<void> {
  await page.waitForSelector("input[name=login]");
  await page.type("input[name=login]", name);
  await page.type("input[name=password]", "any");
  await follow(page, "button[type=submit]");
  await page.waitForSelector("button[type=submit]");
  if (new URL(page.url()).hostname === "localhost") await follow(page, "button[type=submit]");
}

async function follow(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForNavigation(), page.locator(selector).click()]);
}

function textOf(page: Page, selector: string): Promise<string> {
  return page.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`) as Promise<
    string
  >;
}
