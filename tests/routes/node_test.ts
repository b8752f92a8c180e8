/** What a node tells operators of itself. */

import assert from "node:assert/strict";
import { VERSION } from "../../core/version.ts";
import { systemClock } from "../../core/clock.ts";
import { storeId } from "../../service/node_reports.ts";
import { MemoryStore } from "../../store/mod.ts";
import { assertProblem } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";

Deno.test("a node tells its version, its store and its clock to administrators", async () => {
  await using service = await startTestService();
  const { status, body } = await service.call("GET", "/v1/admin/node");
  assert.equal(status, 200);
  assert.equal(body.version, VERSION);
  assert.ok(Math.abs(body.now - Date.now()) < 5_000);
  assert.equal(body.pingIntervalMs, 25_000);
  const again = await service.call("GET", "/v1/admin/node");
  assert.equal(again.body.store, body.store);
});

Deno.test("nobody else is told", async () => {
  await using service = await startTestService();
  const key = await service.mintKey("read", "publish");
  assertProblem(await service.call("GET", "/v1/admin/node", { key }), "403 forbidden");
  assertProblem(await service.call("GET", "/v1/admin/node", { key: null }), "401 unauthenticated");
});

Deno.test("nodes that ask at the same time agree on the store's id", async () => {
  await using store = new MemoryStore({ clock: systemClock });
  const ids = await Promise.all([storeId(store), storeId(store), storeId(store)]);
  assert.equal(new Set(ids).size, 1);
});

Deno.test("the version is a semantic one", () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+(?:-dev)?$/);
});
