/** The internal listener: what it serves, and what the public port does not serve beside it. */

import assert from "node:assert/strict";
import { Api, assertProblem, NEW_MAIL } from "../support/api.ts";
import { freePort } from "../support/free_port.ts";
import { ADMIN_KEY, startTestService } from "../support/start_service.ts";

const PORT = "io.carillon.internal.port";
const FILES = {
  "pns-gcm-options.yml": "secret-client:\n  serviceaccount: /does/not/exist.json\n",
};

async function startWithInternal(
  properties: Readonly<Record<string, number>> = {},
) {
  const port = freePort();
  const service = await startTestService({
    properties: { ...properties, [PORT]: port },
    files: FILES,
  });
  return {
    service,
    inside: new Api(`http://127.0.0.1:${port}`, ADMIN_KEY),
    port,
  };
}

Deno.test("the internal listener serves metrics, readiness with details and /livez without a key", async () => {
  const { service, inside } = await startWithInternal();
  await using _ = service;
  const call = (path: string) => inside.call("GET", path, { key: null });
  assert.equal((await call("/livez")).text, "ok\n");
  assert.match(
    (await call("/metrics")).text,
    /^carillon_notifications_accepted_total/m,
  );
  const { status, text, body } = await call("/readyz");
  assert.deepEqual([status, body.ready, body.checks.store], [200, true, {
    ok: true,
  }]);
  assert.match(text, /secret-client/);
});

Deno.test("administration asks for its key on the internal listener too", async () => {
  const { service, inside } = await startWithInternal();
  await using _ = service;
  const reload = (key?: string | null) =>
    inside.call("POST", "/v1/admin/reload", key === undefined ? {} : { key });
  assertProblem(await reload(null), "401 unauthenticated");
  assertProblem(await reload(await service.mintKey("read")), "403 forbidden");
  assert.equal((await reload()).status, 200);
});

Deno.test("the internal listener serves nothing else but the console and its sockets", async () => {
  const { service, inside } = await startWithInternal();
  await using _ = service;
  assertProblem(
    await inside.call("POST", "/v1/notifications", { body: NEW_MAIL }),
    "404 not_found",
  );
  for (
    const path of [
      "/v1/keys",
      "/docs",
      "/openapi.json",
      "/nope",
    ]
  ) {
    assertProblem(await inside.call("GET", path), "404 not_found");
  }
});

Deno.test("beside an internal listener the public port serves only /livez, and readiness without details", async () => {
  const { service } = await startWithInternal();
  await using _ = service;
  assert.equal((await service.call("GET", "/livez")).status, 200);
  assert.deepEqual((await service.call("GET", "/readyz")).body, {
    ready: true,
  });
  assertProblem(await service.call("GET", "/metrics"), "404 not_found");
  for (const path of ["/v1/admin/reload", "/v1/admin/drain"]) {
    assertProblem(await service.call("POST", path), "404 not_found");
  }
  const { paths } = (await service.call("GET", "/openapi.json")).body;
  assert.deepEqual(
    Object.keys(paths).filter((path) => /admin|metrics/.test(path)),
    [],
  );
});

Deno.test("a drain through the internal listener shows on both listeners", async () => {
  const { service, inside } = await startWithInternal();
  await using _ = service;
  assert.equal((await inside.call("POST", "/v1/admin/drain")).status, 202);
  for (const api of [service, inside]) {
    const { status, body } = await api.call("GET", "/readyz", { key: null });
    assert.deepEqual([status, body.ready], [503, false]);
  }
});

Deno.test("a node that was drained has closed both listeners", async () => {
  const { service, inside } = await startWithInternal({
    "io.carillon.drain.notice": 0,
    "io.carillon.drain.within": 0,
  });
  await using _ = service;
  await inside.call("POST", "/v1/admin/drain");
  await service.left;
  for (const api of [service, inside]) {
    await assert.rejects(api.call("GET", "/livez"), TypeError);
  }
});

Deno.test("a stop closes both listeners", async () => {
  const { service, inside } = await startWithInternal();
  await using _ = service;
  await service.stop();
  for (const api of [service, inside]) {
    await assert.rejects(api.call("GET", "/livez"), TypeError);
  }
});

Deno.test("a start fails if the internal port is in use, and names the setting", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: freePort() });
  await assert.rejects(
    startTestService({ properties: { [PORT]: taken.addr.port } }),
    {
      code: "invalid_configuration",
      message: new RegExp(`${PORT} sets another port$`),
    },
  );
});
