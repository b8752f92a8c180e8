import assert from "node:assert/strict";
import { VERSION } from "../../core/version.ts";
import { startTestService } from "../support/start_service.ts";
import { exists, readText } from "./_files.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
}

async function manifest(): Promise<Manifest> {
  return JSON.parse(await readText("deno.json"));
}

Deno.test("the service has the version of deno.json", async () => {
  assert.equal(VERSION, (await manifest()).version);
  assert.match(VERSION, /^\d+\.\d+\.\d+$/);
});

Deno.test("the description of the API has the version of the service", async () => {
  await using service = await startTestService();
  const { body } = await service.call("GET", "/openapi.json", { key: null });
  assert.equal(body.info.version, VERSION);
});

Deno.test("CHANGELOG.md says what is in the version", async () => {
  const headings = [...(await readText("CHANGELOG.md")).matchAll(/^## (\S+)/gm)].map(([, h]) => h);
  assert.ok(headings.includes(VERSION), headings.join());
});

Deno.test("what deno.json exports is there, under the licence that it names", async () => {
  const { name, license, exports } = await manifest();
  assert.match(name, /^@[a-z0-9-]+\/[a-z0-9-]+$/);
  assert.equal((await readText("LICENSE")).split("\n", 1)[0], `${license} License`);
  for (const path of Object.values(exports)) assert.ok(await exists(path), path);
});
