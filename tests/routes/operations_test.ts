import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL, pathsOf } from "../support/api.ts";
import { propertiesText } from "../support/configuration.ts";
import { listen } from "../support/listener.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

const ENABLED = "com.openexchange.pns.transport.websocket.enabled";

Deno.test("/livez and /readyz answer those who watch", async () => {
  await using service = await startTestService();
  assert.equal((await service.call("GET", "/livez", { key: null })).text, "ok\n");
  const { status, body } = await service.call("GET", "/readyz");
  assert.equal(status, 200);
  assert.equal(body.ready, true);
  assert.deepEqual(body.checks.store, { ok: true });
});

Deno.test("a client with bad options is shown by /readyz and takes nothing out", async () => {
  await using service = await startTestService({
    files: {
      "pns-gcm-options.yml": "good:\n  key: k\nbad:\n  serviceaccount: /does/not/exist.json\n",
    },
  });
  const { status, body } = await service.call("GET", "/readyz");
  assert.equal(status, 200);
  const check = body.checks["transport gcm"];
  assert.equal(check.ok, false);
  const byClient = new Map<string, { ready: boolean; detail?: string }>(
    check.detail.map((one: { client: string }) => [one.client, one]),
  );
  assert.equal(byClient.get("good")?.ready, true);
  assert.equal(byClient.get("bad")?.ready, false);
  assert.match(byClient.get("bad")?.detail ?? "", /exist\.json/);
  assert.ok(service.log.some((line) => /client 'bad'/.test(line)));
});

Deno.test("/metrics counts what happened, by transport, client and topic", async () => {
  await using service = await startTestService();
  using _listener = await listen(service.host, { session: await service.mint() });
  await service.settled(await service.publish());
  const { text, headers } = await service.call("GET", "/metrics");
  assert.match(headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  const values = new Map(
    text.split("\n").map((line) => line.split(/ (?=\S+$)/) as [string, string]),
  );
  assert.equal(values.get("carillon_notifications_accepted_total"), "1");
  assert.equal(values.get('carillon_sockets_open{client="open-xchange-appsuite"}'), "1");
  assert.equal(values.get("carillon_notifications_in_flight"), "0");
  assert.equal(values.get("carillon_publish_duration_seconds_count"), "1");
  assert.ok(Number(values.get("carillon_buffer_log_writes_total")) >= 1);
  assert.match(text, /carillon_\w+\{[^}]*topic="ox:mail:new"[^}]*\} 1/);
});

Deno.test("a reload takes effect at once and returns the changes", async () => {
  await using service = await startTestService();
  using listener = await listen(service.host, { session: await service.mint() });
  await service.configure("test.properties", propertiesText({ [ENABLED]: false }));
  const { status, body } = await service.call("POST", "/v1/admin/reload");
  assert.deepEqual([status, body], [200, {
    ...{ changedKeys: [ENABLED], needsRestart: [], warnings: [] },
  }]);
  assert.equal((await service.settled(await service.publish())).state, "suppressed");
  assert.equal(listener.events.length, 0);
});

Deno.test("a reload returns the keys that need a restart, and warns of unknown keys", async () => {
  await using service = await startTestService();
  await service.configure(
    "test.properties",
    propertiesText({ "io.carillon.websocket.pingInterval": 20_000, [`${ENABLED}d`]: true }),
  );
  const { body } = await service.call("POST", "/v1/admin/reload");
  assert.deepEqual(body.needsRestart, ["io.carillon.websocket.pingInterval"]);
  assert.match(body.warnings[0].path, /^test\.properties:\d+:1$/);
  assert.match(body.warnings[0].message, new RegExp(ENABLED));
});

Deno.test("a reload of bad files is refused with file, line and column, and the old ones stay", async () => {
  await using service = await startTestService();
  using listener = await listen(service.host, { session: await service.mint() });
  await service.configure(
    "test.properties",
    `${propertiesText({ [ENABLED]: false })}com.openexchange.pns.timerFrequency=soon\n`,
  );
  await service.configure("other.properties", "# fine\nio.carillon.log.level=shouting\n");
  const answer = await service.call("POST", "/v1/admin/reload");
  assertProblem(answer, "422 invalid_configuration");
  assert.deepEqual(pathsOf(answer), ["other.properties:2:23", "test.properties:4:37"]);
  assert.equal((await service.settled(await service.publish())).state, "delivered");
  assert.equal((await listener.received(1)).length, 1);
  await service.configure("other.properties", "");
  await service.configure("test.properties", propertiesText({}));
  assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
});

Deno.test("a changed file is noticed without a call", async () => {
  await using service = await startTestService();
  using _listener = await listen(service.host, { session: await service.mint() });
  await service.configure("test.properties", propertiesText({ [ENABLED]: false }));
  await until(
    "the change counts",
    async () => (await service.settled(await service.publish())).state === "suppressed",
  );
});

Deno.test("a drained node is not ready, lets its sockets go and takes no new ones", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  using listener = await listen(service.host, { session });
  const { status, body } = await service.call("POST", "/v1/admin/drain");
  assert.deepEqual([status, body], [202, { draining: true }]);
  const ready = await service.call("GET", "/readyz");
  assert.equal(ready.status, 503);
  assert.deepEqual([ready.body.ready, ready.body.checks["in service"].ok], [false, false]);
  await listener.closed;
  assert.deepEqual(listener.events, []); // no `session:invalid`: the client is to come back
  await assert.rejects(listen(service.host, { session }));
  const { status: still } = await service.call("POST", "/v1/notifications", { body: NEW_MAIL });
  assert.equal(still, 202); // the balancer may not know yet
});
