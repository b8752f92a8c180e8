import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { wantsHtml } from "../../routes/home.ts";
import { Api, assertProblem } from "../support/api.ts";
import { freePort } from "../support/free_port.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

/** What a browser sends for a page. */
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const FILES = {
  "pns-gcm-options.yml": "secret-client:\n  serviceaccount: /does/not/exist.json\n",
};

/** The page is shown where the console is on the internal listener instead. */
async function start(): Promise<TestService> {
  const port = freePort();
  const properties = { "io.carillon.internal.port": port };
  const service = await startTestService({ properties, files: FILES });
  internalPorts.set(service, port);
  return service;
}

const internalPorts = new WeakMap<TestService, number>();

function inside(service: TestService): Api {
  return new Api(`http://127.0.0.1:${internalPorts.get(service)}`, service.adminKey);
}

function open(service: TestService, accept: string) {
  return service.call("GET", "/", { key: null, headers: { accept } });
}

Deno.test("the page for browsers names the service, says that it is ready, and links to the API", async () => {
  await using service = await start();
  const { status, headers, text } = await open(service, BROWSER);
  assert.equal(status, 200);
  assert.match(headers.get("content-type")!, /^text\/html; charset=utf-8$/i);
  assert.match(text, /push notification service/);
  assert.match(text, /It is ready\./);
  assert.match(text, /<a href="\/docs">/);
});

Deno.test("the page for browsers says that a draining node is not ready", async () => {
  await using service = await start();
  await inside(service).call("POST", "/v1/admin/drain");
  assert.match((await open(service, BROWSER)).text, /It is not ready/);
});

Deno.test("the page has no scripts, and its policy allows its own styles and nothing else", async () => {
  await using service = await start();
  const { headers, text } = await open(service, BROWSER);
  assert.doesNotMatch(text, /<script|<img|<link| on\w+=| style=/i);
  const styles = /<style>([^]*)<\/style>/.exec(text)![1]!;
  const directives = new Map(
    headers.get("content-security-policy")!.split("; ").map((each) => {
      const [name, ...values] = each.split(" ");
      return [name, values.join(" ")];
    }),
  );
  assert.deepEqual(Object.fromEntries(directives), {
    "default-src": "'none'",
    "style-src": `'sha256-${hash("sha256", styles, "base64")}'`,
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  });
  assert.equal(headers.get("referrer-policy"), "no-referrer");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
});

Deno.test("the page names no client", async () => {
  await using service = await start();
  for (const key of [null, service.adminKey]) {
    const { text } = await service.call("GET", "/", { key, headers: { accept: BROWSER } });
    assert.doesNotMatch(text, /secret-client|exist\.json|gcm|store/);
  }
});

Deno.test("who does not ask for HTML gets the 404 of any path without a route", async () => {
  await using service = await start();
  for (const accept of ["application/json", "*/*", "text/*", "text/html;q=0, */*", ""]) {
    assertProblem(await open(service, accept), "404 not_found");
  }
});

Deno.test("on the internal listener / leads to the console, which the public one does not have", async () => {
  await using service = await start();
  const options = { key: null, headers: { accept: BROWSER } };
  const leads = await fetch(inside(service).address, {
    headers: options.headers,
    redirect: "manual",
  });
  await leads.body?.cancel();
  assert.equal(leads.headers.get("location"), "/console");
  assert.match((await inside(service).call("GET", "/console", options)).text, /Sign in/);
  assertProblem(await service.call("GET", "/console", options), "404 not_found");
});

for (
  const [accept, expected] of [
    [BROWSER, true],
    ["text/html", true],
    ["application/json, TEXT/HTML ; q=0.1", true],
    ["text/html;level=1", true],
    ["text/html;q=0", false],
    ["text/html; q=0.000", false],
    ["text/htmlx", false],
    ["*/*", false],
    ["", false],
    [undefined, false],
  ] as const
) {
  Deno.test(`'accept: ${accept}' ${expected ? "asks" : "does not ask"} for HTML`, () => {
    assert.equal(wantsHtml(accept), expected);
  });
}
