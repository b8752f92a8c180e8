import assert from "node:assert/strict";
import { propertiesText } from "../support/configuration.ts";
import { listen } from "../support/listener.ts";
import { startProcess } from "../support/start_process.ts";
import { until } from "../support/until.ts";

const DELAY = "com.openexchange.pns.delayDuration";
const FREQUENCY = "com.openexchange.pns.timerFrequency";
const ENABLED = "com.openexchange.pns.transport.websocket.enabled";

Deno.test("a clean stop hands over what is due and keeps the rest for the next start", async () => {
  // Nothing is handed over by the tick, so what arrives was handed over by the stop.
  await using service = await startProcess({ properties: { [DELAY]: 1, [FREQUENCY]: 60_000 } });
  using listener = await listen(service.host, { session: await service.mint() });
  const due = await service.publish({ topic: "t:due", data: { n: 1 } });
  await Deno.writeTextFile(
    `${service.configDir}/test.properties`,
    propertiesText({ [DELAY]: 600_000, [FREQUENCY]: 60_000 }),
  );
  assert.equal((await service.call("POST", "/v1/admin/reload")).status, 200);
  const kept = await service.publish({ topic: "t:kept", data: { n: 2 } });
  const { code } = await service.end("SIGTERM");
  assert.equal(code, 0);
  await listener.closed;
  assert.deepEqual(listener.events, [["t:due", { n: 1 }]]);

  await service.start();
  assert.match(service.log, /"recovered":1/);
  assert.equal((await service.settled(due)).state, "delivered");
  const { body } = await service.call("GET", `/v1/notifications/${kept}`);
  assert.equal(body.state, "in_flight");
});

Deno.test("a second SIGTERM and a SIGINT change nothing about a stop under way", async () => {
  await using service = await startProcess({ properties: { [DELAY]: 600_000 } });
  using _listener = await listen(service.host, { session: await service.mint() });
  await service.publish();
  service.signal("SIGTERM");
  service.signal("SIGTERM");
  const { code, stderr } = await service.end("SIGINT");
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /Cannot stop|at file:/);
});

Deno.test("a stop does not wait for those who hold a connection open", async () => {
  await using service = await startProcess();
  const session = await service.mint();
  using _socket = await listen(service.host, { session });
  using idle = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(service.host.split(":")[1]),
  });
  await idle.write(new TextEncoder().encode("POST /v1/notifications HTTP/1.1\r\nhost: a\r\n"));
  const polling = new URL(`http://${service.host}/socket.io/appsuite/`);
  polling.search = new URLSearchParams({ session, EIO: "3", transport: "polling" }).toString();
  const opened = await (await fetch(polling)).text();
  polling.searchParams.set("sid", /"sid":"([^"]+)"/.exec(opened)![1]!);
  const poll = fetch(polling).then((response) => response.text(), () => "cut off");
  const asked = performance.now();
  const { code } = await service.end("SIGTERM");
  assert.equal(code, 0);
  // Two seconds for the connections of either kind; the process itself may take 25 s.
  assert.ok(performance.now() - asked < 6_000);
  await poll;
});

Deno.test("SIGHUP reloads the configuration", async () => {
  await using service = await startProcess();
  using _listener = await listen(service.host, { session: await service.mint() });
  // Out of sight of the watch: a link that is turned is what Kubernetes does, too.
  await Deno.writeTextFile(`${service.configDir}/../next`, propertiesText({ [ENABLED]: false }));
  await Deno.remove(`${service.configDir}/test.properties`);
  await Deno.symlink("../next", `${service.configDir}/test.properties`);
  service.signal("SIGHUP");
  await until(
    "the new configuration counts",
    async () => (await service.settled(await service.publish())).state === "suppressed",
  );
});

Deno.test("SIGHUP with bad files keeps the service as it is and says where they are bad", async () => {
  await using service = await startProcess();
  using listener = await listen(service.host, { session: await service.mint() });
  await Deno.writeTextFile(`${service.configDir}/test.properties`, `${FREQUENCY}=soon\n`);
  service.signal("SIGHUP");
  await until("it is refused", () => service.log.includes("Configuration refused"));
  assert.match(service.log, /"file":"test\.properties","line":1,"column":37/);
  await service.publish();
  assert.equal((await listener.received(1)).length, 1);
});
