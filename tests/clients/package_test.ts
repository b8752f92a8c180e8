/** The package of `clients/js`, used as its users use it: on Node, on Deno and in a browser. */

import assert from "node:assert/strict";
import { Browser, type PageFiles, PageServer } from "../support/browser.ts";
import { startProxy } from "../support/nginx_proxy.ts";
import { BROWSER, findProgram, NGINX, optionalTest } from "../support/optional_programs.ts";
import { startTestService } from "../support/start_service.ts";
import { installPacked, type Project } from "./_packed_client.ts";

const PORTABLE = new URL("_portable.mjs", import.meta.url);
/** What the portable program sees. */
const EXPECTED = ["open", 1, 2, "recovered", 3, true, "invalid_topic"];
const RUN = `import * as client from "@carillon/client";
import { tryClient } from "./portable.mjs";
console.log(JSON.stringify(await tryClient(client, { url: process.env.URL, key: process.env.KEY })));
process.exit();
`;
const USE = `import { Carillon, CarillonError, stream, type StreamEvent } from "@carillon/client";
import { subscribeToWebPush } from "@carillon/client/web-push";
const carillon = new Carillon({ url: "https://push.example.com", credential: async () => "key" });
const id: string = await carillon.publish({ context: 1, user: "3", topic: "a", data: { n: 1 } });
const { data } = await carillon.api.GET("/v1/inbox", { params: { query: { limit: 5 } } });
const unread: number | undefined = data?.unread;
// @ts-expect-error a notification needs a topic
carillon.publish({ context: "1", user: "3", data: {} });
for await (const event of stream({ url: "x", session: () => "s" })) {
  const known: StreamEvent = event;
  if (known.type === "event") {
    console.log(known.topic, known.offset, known.collapseKey, id, unread);
    await known.acknowledge?.("seen");
  }
}
await subscribeToWebPush({ url: "x", client: "c", store: async ({ endpoint }) => void endpoint });
export { CarillonError };
`;

let installed: Project | undefined;
const npm = findProgram(["npm"]);
Deno.test.beforeAll(async () => {
  if (npm !== undefined) installed = await installPacked();
});
Deno.test.afterAll(async () => {
  await installed?.[Symbol.asyncDispose]();
});

Deno.test({
  name: "the packed client has types that need no configuration",
  ignore: npm === undefined,
  async fn() {
    const { folder, run } = installed!;
    await Deno.writeTextFile(`${folder}/use.mts`, USE);
    const tsc = "node_modules/typescript/bin/tsc";
    await run("node", [tsc, "--init"]);
    await run("node", [tsc, "--noEmit", "--lib", "esnext,dom"]);
    const bundled = ["--module", "esnext", "--moduleResolution", "bundler", "--target", "esnext"];
    await run("node", [tsc, "--noEmit", "--strict", ...bundled, "use.mts"]);
  },
});

for (const program of ["node", Deno.execPath()]) {
  const name = program === "node" ? "Node" : "Deno";
  Deno.test({
    name: `the packed client publishes, receives and resumes on ${name}`,
    ignore: npm === undefined,
    async fn() {
      await using service = await startTestService();
      const { folder, run } = installed!;
      await Deno.copyFile(PORTABLE, `${folder}/portable.mjs`);
      await Deno.writeTextFile(`${folder}/run.mjs`, RUN);
      const args = program === "node" ? ["run.mjs"] : ["run", "-A", "run.mjs"];
      const env = { URL: service.address, KEY: service.adminKey };
      assert.deepEqual(JSON.parse(await run(program, args, env)), EXPECTED);
    },
  });
}

/** The page of a browser: the same program, with the packages as they were installed. */
async function pageOf({ folder }: Project, key: string): Promise<PageFiles> {
  const files: Record<string, { type: string; text: string }> = {};
  const type = "text/javascript";
  const imports: Record<string, string> = {};
  async function add(name: string, file: string): Promise<void> {
    const path = `/modules/${name}/${file}`;
    files[path] = { type, text: await Deno.readTextFile(`${folder}/node_modules/${name}/${file}`) };
  }
  for (const file of ["mod.js", "client.js", "errors.js", "stream.js", "schema.js", "_retry.js"]) {
    await add("@carillon/client", `dist/${file}`);
  }
  for (
    const [name, file] of Object.entries({
      "@carillon/client": "dist/mod.js",
      "openapi-fetch": "dist/index.mjs",
      "eventsource-parser": "dist/index.js",
    })
  ) {
    if (name !== "@carillon/client") await add(name, file);
    imports[name] = `./modules/${name}/${file}`;
  }
  files["/portable.mjs"] = { type, text: await Deno.readTextFile(PORTABLE) };
  const html = `<!doctype html>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
  const report = (what) => fetch("report", { method: "POST", body: JSON.stringify(what) });
  try {
    const { tryClient } = await import("./portable.mjs");
    const client = await import("@carillon/client");
    const key = ${JSON.stringify(key)};
    await report(await tryClient(client, { url: location.origin, key }));
  } catch (error) {
    await report(String(error.stack));
  }
</script>`;
  return { ...files, "/": { type: "text/html", text: html } };
}

optionalTest({
  name: "the packed client publishes, receives and resumes in a browser behind nginx",
  needs: [npm, BROWSER, NGINX],
  async fn() {
    await using service = await startTestService();
    await using pages = new PageServer(await pageOf(installed!, service.adminKey));
    await using nginx = await startProxy(service.host, { pages: pages.host });
    await using _browser = await Browser.open(`${nginx.address}/page/`);
    const [report] = await pages.reported(1);
    assert.deepEqual(report, EXPECTED);
  },
});
