/** Which details the public port shows to whom, where there is no internal listener. */

import assert from "node:assert/strict";
import { assertProblem } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";

const FILES = {
  "pns-gcm-options.yml": "secret-client:\n  serviceaccount: /does/not/exist.json\n",
};

Deno.test("without a credential /readyz returns only whether the node is ready", async () => {
  await using service = await startTestService({ files: FILES });
  const { status, body } = await service.call("GET", "/readyz", { key: null });
  assert.deepEqual([status, body], [200, { ready: true }]);
});

Deno.test("a credential that may not read gets no details of /readyz, and no error either", async () => {
  await using service = await startTestService({ files: FILES });
  const some = await service.mintKeyOf({ scopes: ["read"], contexts: ["1"] });
  const keys = [await service.mintKey("publish"), await service.mint(), some.secret, "car_gone"];
  for (const key of keys) {
    const { status, body } = await service.call("GET", "/readyz", { key });
    assert.deepEqual([status, body], [200, { ready: true }]);
  }
});

Deno.test("a key that may read gets the details of /readyz", async () => {
  await using service = await startTestService({ files: FILES });
  const { text, body } = await service.call("GET", "/readyz", {
    key: await service.mintKey("read"),
  });
  assert.equal(body.checks.store.ok, true);
  assert.match(text, /secret-client/);
});

Deno.test("/metrics needs a key that may read in all contexts", async () => {
  await using service = await startTestService();
  const call = (key: string | null) => service.call("GET", "/metrics", { key });
  const { secret } = await service.mintKeyOf({ scopes: ["read"], contexts: ["1"] });
  assertProblem(await call(null), "401 unauthenticated");
  assertProblem(await call("car_gone"), "401 unauthenticated");
  assertProblem(await call(await service.mintKey("publish", "subscribe")), "403 forbidden");
  assertProblem(await call(secret), "403 forbidden");
  assert.equal((await call(await service.mintKey("read"))).status, 200);
});

Deno.test("/readyz of a draining node is 503 for everybody, without the reason", async () => {
  await using service = await startTestService();
  await service.call("POST", "/v1/admin/drain");
  const { status, body } = await service.call("GET", "/readyz", { key: null });
  assert.deepEqual([status, body], [503, { ready: false }]);
});
